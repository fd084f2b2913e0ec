// completion: what a shell asks when Tab is pressed, and the scripts that make it ask.

import { complete } from "../../platform/command/complete.ts";
import { type Command, defineCommand } from "../../platform/command/contract.ts";
import type { Tools } from "../tools.ts";

/** The program asks itself: its words are never out of date. Of a line `word<Tab>about` is shown; `:files` or `:folders` at the end adds paths. */
const scripts = {
  bash: String.raw`_stockroom() {
  local cur="${"$"}{COMP_WORDS[COMP_CWORD]}" line paths=none
  [ "$cur" = "=" ] && cur=""
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) paths="${"$"}{line#:}" ;;
      *) COMPREPLY+=("${"$"}{line%%$'\t'*}") ;;
    esac
  done < <("${"$"}{COMP_WORDS[0]}" completion words -- "${"$"}{COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case "$paths" in
    files) compopt -o filenames 2>/dev/null; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur") ;;
    folders) compopt -o filenames 2>/dev/null; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$cur") ;;
  esac
}
complete -F _stockroom stockroom
`,
  zsh: String.raw`#compdef stockroom
_stockroom() {
  local -a found
  local line paths=none
  while IFS= read -r line; do
    case "$line" in
      :*) paths="${"$"}{line#:}" ;;
      *) found+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}") ;;
    esac
  done < <("${"$"}{words[1]}" completion words -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${"$"}{#found} )) && _describe stockroom found
  case "$paths" in
    files) _files ;;
    folders) _files -/ ;;
  esac
}
if [ "${"$"}{funcstack[1]}" = _stockroom ]; then _stockroom "$@"; else compdef _stockroom stockroom; fi
`,
  fish: String.raw`function __stockroom_words
  set -l typed (commandline -opc)
  set -l last (commandline -ct)
  $typed[1] completion words -- $typed[2..-1] "$last" 2>/dev/null | while read -l line
    switch $line
      case :files
        __fish_complete_path "$last"
      case :folders
        __fish_complete_directories "$last"
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c stockroom -f -a '(__stockroom_words)'
`,
} as const;

const about = {
  bash: 'For bash: `eval "$(stockroom completion bash)"` in ~/.bashrc',
  zsh: 'For zsh: `eval "$(stockroom completion zsh)"` in ~/.zshrc, after compinit',
  fish: "For fish: `stockroom completion fish > ~/.config/fish/completions/stockroom.fish`",
} as const;

const scriptOf = (tools: Tools, shell: keyof typeof scripts): Command =>
  defineCommand({
    meta: { name: shell, description: about[shell] },
    run: () => tools.print.line(scripts[shell].trimEnd()),
  });

export const completionCommand = (tools: Tools, root: () => Command): Command =>
  defineCommand({
    meta: { name: "completion", description: "Completion by Tab: bash, zsh, fish" },
    subCommands: {
      bash: scriptOf(tools, "bash"),
      zsh: scriptOf(tools, "zsh"),
      fish: scriptOf(tools, "fish"),
      words: defineCommand({
        meta: { name: "words", description: "What may stand last on a command line; the scripts ask this" },
        args: { typed: { type: "positional", required: false, description: "Words after stockroom, behind --", valueHint: "WORD..." } },
        run: async ({ rawArgs }) => {
          const { words, paths } = await complete(root(), rawArgs[0] === "--" ? rawArgs.slice(1) : rawArgs);
          for (const { word, about: said } of words) tools.print.line(said === "" ? word : `${word}\t${said}`);
          tools.print.line(`:${paths}`);
        },
      }),
    },
  });

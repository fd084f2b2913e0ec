// The editor of SQL: CodeMirror, fetched with this page alone. It stands in a shadow root, where its styles need no exception of the policy.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";

export interface SqlEditorProps {
  /** What stands in it at the beginning, and after each change of `revision`. */
  readonly value: string;
  /** Another number whenever the text comes from outside: what a person types is never written over by a drawing that came late. */
  readonly revision: number;
  readonly onValue: (value: string) => void;
  readonly onRun: () => void;
  /** Columns by table, for completion. */
  readonly schema: Readonly<Record<string, readonly string[]>>;
}

const look = EditorView.theme({
  "&": {
    color: "var(--text)",
    backgroundColor: "var(--sheet)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius)",
    fontSize: "14px",
  },
  "&.cm-focused": { outline: "3px solid var(--ink)", outlineOffset: "1px" },
  ".cm-content": { fontFamily: "var(--mono)", minHeight: "8rem", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--dim)", border: "none" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--ink-ground)",
  },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line-strong)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ink)", color: "var(--on-ink)" },
  ".cm-placeholder": { color: "var(--dim)" },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--chart-1)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--chart-3)" },
  { tag: tags.number, color: "var(--chart-2)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
]);

export function SqlEditor(props: SqlEditorProps) {
  const { value, revision, schema } = props;
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const language = useRef(new Compartment());
  const latest = useRef(props);
  latest.current = props;
  const languageOf = (): ReturnType<typeof sql> => sql({ dialect: PostgreSQL, schema: latest.current.schema, upperCaseKeywords: false });

  useEffect(() => {
    if (place.current === null) return undefined;
    const root = place.current.shadowRoot ?? place.current.attachShadow({ mode: "open" });
    const run = (): boolean => {
      latest.current.onRun();
      return true;
    };
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          language.current.of(languageOf()),
          syntaxHighlighting(colours),
          look,
          placeholder("select ..."),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "SQL" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onValue(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  // What was put in from outside: a saved query, the name of a table.
  useEffect(() => {
    const editor = view.current;
    if (editor !== undefined && editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [revision]);
  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(languageOf()) });
  }, [schema]);

  return <div ref={place} />;
}

// HTML in cells, read as the text that a person would see.

const names160 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
/** The entities of Latin-1, and those that every page has. */
const entities = new Map<string, string>([
  ...names160.split(" ").map((name, i) => [name, String.fromCodePoint(160 + i)] as const),
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["ndash", "–"],
  ["mdash", "—"],
  ["hellip", "…"],
  ["rsquo", "’"],
  ["lsquo", "‘"],
  ["rdquo", "”"],
  ["ldquo", "“"],
  ["bdquo", "„"],
  ["bull", "•"],
  ["trade", "™"],
  ["euro", "€"],
]);

const tag = /<\/?[a-z][^<>]*>|<!--/iu;
const entity = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}\d{0,2}));/giu;

/** Whether a text has tags or entities. */
export const isHtml = (text: string): boolean => (text.includes("<") && tag.test(text)) || (text.includes("&") && text.search(entity) >= 0);

/** The text of a cell without its tags, with its entities as signs; a text without either stays as it is. */
export function plainText(text: string): string {
  if (!isHtml(text)) return text;
  return text
    .replaceAll(/<!--.*?-->|<(script|style)\b.*?<\/\1\s*>/gisu, " ")
    .replaceAll(/<\/?[a-z](?:"[^"]*"|'[^']*'|[^<>"'])*>/giu, " ")
    .replaceAll(/<\/?[a-z][^<>]*>/giu, " ")
    .replaceAll(entity, (whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
      if (name !== undefined) return entities.get(name) ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? "0", 16) : Number(decimal);
      return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : " ";
    })
    .replaceAll(/[\s\u00A0]+/gu, " ")
    .trim();
}

// Countries: one country under the names that files give it.
//
// Owns: ISO 3166-1 codes, usual names. Does not own: which country a file is of (words), time zones (days).
//   N1. `GBR`, `GB`, `UK`, `United Kingdom` and `Großbritannien` are one country; letters' case, accents and dots do not matter.
//   N2. What is not known here is another country: nothing is guessed.

/** ISO 3166-1, alpha-3 and alpha-2 side by side; and XKX, which the EU uses. */
const codes =
  "ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH " +
  "BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG COKCK COLCO " +
  "COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO DZADZ ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK " +
  "FRAFR FROFO FSMFM GABGA GBRGB GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR " +
  "HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA " +
  "LBNLB LBRLR LBYLY LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN " +
  "MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN " +
  "PERPE PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL " +
  "SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO TTOTT " +
  "TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG VIRVI VNMVN VUTVU WLFWF WSMWS XKXXK YEMYE ZAFZA ZMBZM ZWEZW";

/** Usual where the standards' own names are not. */
const usual: Readonly<Record<string, string>> = {
  uk: "GB",
  "great britain": "GB",
  grossbritannien: "GB",
  "united kingdom of great britain and northern ireland": "GB",
  el: "GR",
  "czech republic": "CZ",
  "the netherlands": "NL",
  holland: "NL",
  "republic of ireland": "IE",
  "united states of america": "US",
  turkey: "TR",
  macedonia: "MK",
  "south korea": "KR",
  "republic of korea": "KR",
};

/** Names are looked up in English, in the languages of most files, and in the country's own. */
const languages = ["en", "de", "fr", "es", "it"];

let known: ReadonlyMap<string, string> | undefined;
let longCodes: ReadonlyMap<string, string> | undefined;

/** Made once, when the first file does not name its country by the code in its key. */
function names(): ReadonlyMap<string, string> {
  if (known !== undefined) return known;
  const all = new Map<string, string>();
  const displays = languages.map((language) => new Intl.DisplayNames([language], { type: "region" }));
  for (const pair of codes.split(" ")) {
    const [alpha3, alpha2] = [pair.slice(0, 3), pair.slice(3)];
    const own = new Intl.DisplayNames([new Intl.Locale(`und-${alpha2}`).maximize().language], { type: "region" });
    for (const name of [alpha3, alpha2, ...[...displays, own].map((display) => display.of(alpha2) ?? alpha2)]) {
      // The codes of one country are never another's name; of equal names the first stays.
      if (!all.has(fold(name))) all.set(fold(name), alpha2);
    }
  }
  for (const [name, alpha2] of Object.entries(usual)) all.set(name, alpha2);
  known = all;
  return all;
}

const fold = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replaceAll("ß", "ss")
    .toLowerCase()
    .replaceAll(".", "")
    .replace(/[\s_-]+/g, " ")
    .trim();

/** The country that a text names, as ISO 3166-1 alpha-3; undefined where it is none that is known. */
export function countryOf(text: string): string | undefined {
  longCodes ??= new Map(codes.split(" ").map((pair) => [pair.slice(3), pair.slice(0, 3)]));
  return longCodes.get(names().get(fold(text)) ?? "");
}

/** Whether a text in a row names the country of a file, under any of its names. An empty text names none. */
export function isSameCountry(text: string, country: string): boolean {
  if (text === country) return true;
  const own = names().get(fold(country));
  return own !== undefined && names().get(fold(text)) === own;
}

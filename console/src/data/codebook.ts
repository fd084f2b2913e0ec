// A code book: the codes of schemes with their names and what stands above them.

export interface Code {
  readonly code: string;
  readonly name: string;
  readonly parent?: string | undefined;
  /** A heading of the law, which no item has. */
  readonly heading?: true | undefined;
}

export interface CodeBook {
  /** In the law's order; undefined: the scheme is not known, any code may be given. */
  codesOf(scheme: string, version: string): readonly Code[] | undefined;
  /** "" when nobody knows. */
  nameOf(scheme: string, version: string, code: string): string;
  /** The names above a code, the highest first. */
  aboveOf(scheme: string, version: string, code: string): readonly string[];
}

type Versions = ReadonlyMap<string, readonly Code[]>;

/** Pure. */
export function makeCodeBook(schemes: ReadonlyMap<string, Versions>): CodeBook {
  const codesOf = (scheme: string, version: string): readonly Code[] | undefined => schemes.get(scheme)?.get(version);
  const find = (scheme: string, version: string, code: string): Code | undefined =>
    codesOf(scheme, version)?.find((one) => one.code === code);
  return {
    codesOf,
    nameOf: (scheme, version, code) => find(scheme, version, code)?.name ?? "",
    aboveOf: (scheme, version, code) => {
      const names: string[] = [];
      const seen = new Set([code]);
      for (let parent = find(scheme, version, code)?.parent; parent !== undefined && !seen.has(parent);) {
        seen.add(parent);
        const above = find(scheme, version, parent);
        names.unshift(above === undefined || above.name === "" ? parent : above.name);
        parent = above?.parent;
      }
      return names;
    },
  };
}

/** `GBR-WASTE` of the line `GBR-GBR-WASTE`: all after the first hyphen. */
export const schemeOf = (line: string): string => line.slice(line.indexOf("-") + 1);

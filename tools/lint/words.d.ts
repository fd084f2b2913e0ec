export declare function struckIn(name: string, file: string): { readonly word: string; readonly instead: string } | undefined;

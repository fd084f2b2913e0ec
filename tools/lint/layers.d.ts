export declare function homeless(file: string): string | undefined;
export declare function forbidden(from: string, to: string): string | undefined;
export declare function forbiddenSource(from: string, source: string): string | undefined;

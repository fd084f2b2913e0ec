// Saving bytes as a file of the person's own.

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has it once the download has begun.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

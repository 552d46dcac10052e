/** `1.37.1` → 37. */
export function minorOf(version: string): number {
  return Number(version.replace(/^v/, '').split('.')[1] ?? 0);
}

export function atLeast(version: string, minor: number): boolean {
  return minorOf(version) >= minor;
}

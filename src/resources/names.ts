/** Names as the kernel writes them, so that what was asked for and what was observed meet. */

/** Path below /proc/sys: dots become slashes, unless the key is written with slashes (an interface's name may have dots). */
export function sysctlPath(key: string): string {
  return key.includes('/') ? key : key.replaceAll('.', '/');
}

/** The one form in which `Observed.sysctls` has it. */
export function sysctlKey(key: string): string {
  const path = sysctlPath(key);
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

/** Modules are listed with underscores, whatever modprobe was told. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

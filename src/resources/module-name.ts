/** As the kernel writes it: modules are listed with underscores, whatever modprobe was told. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

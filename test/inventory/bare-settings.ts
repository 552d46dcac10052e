import { describedItems, describedSettings, resolve, type JsonSchema } from '../../src/inventory/schema.ts';

/** Settings without a description, or without a default, one in words, or an example. */
export function bareSettings(schema: JsonSchema): string[] {
  const bare: string[] = [];
  const visit = (path: string, raw: JsonSchema): void => {
    const setting = resolve(raw, schema);
    const known = ['default', 'examples', 'x-default', 'properties'].some((key) => key in setting);
    if (setting.description === undefined || !known) bare.push(path);
    for (const [key, child] of Object.entries(describedSettings(setting) ?? {})) visit(`${path}.${key}`, child);
    for (const [key, child] of Object.entries(describedItems(setting, schema)?.properties ?? {}))
      visit(`${path}[].${key}`, child);
  };
  for (const [key, child] of Object.entries(schema.properties ?? {})) visit(key, child);
  return bare;
}

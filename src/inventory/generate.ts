/** Writes what is made from the schema: `node src/inventory/generate.ts`. A test finds files that are out of step. */
import { writeFileSync } from 'node:fs';
import { renderInventoryDoc } from './document.ts';
import { renderReference } from './reference.ts';
import { readSchema } from './schema.ts';

const schema = readSchema();
writeFileSync(new URL('../../inventories/reference.yaml', import.meta.url), renderReference(schema));
writeFileSync(new URL('../../docs/inventory.md', import.meta.url), renderInventoryDoc(schema));

/** `npm run generate`: what is made from the schema and the sources. A test finds files that are out of step. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderInventoryDoc } from '../src/inventory/document.ts';
import { renderReference } from '../src/inventory/reference.ts';
import { readSchema } from '../src/inventory/schema.ts';
import { pages } from './docs.ts';
import { jsonSchemas } from './json-schemas.ts';
import { ROOT } from './process.ts';
import { renderSecurityDoc } from './security/document.ts';
import { renderCluster } from './security/rendered.ts';

const schema = readSchema();
await writeFile(join(ROOT, 'inventories/reference.yaml'), renderReference(schema));
await writeFile(join(ROOT, 'docs/inventory.md'), renderInventoryDoc(schema));
for (const [path, text] of await pages()) await writeFile(join(ROOT, path), text);
await writeFile(join(ROOT, 'docs/security.md'), renderSecurityDoc(await renderCluster()));

const shapes = join(ROOT, 'schema/json');
await rm(shapes, { recursive: true, force: true });
await mkdir(shapes, { recursive: true });
for (const [name, text] of jsonSchemas()) await writeFile(join(shapes, name), text);

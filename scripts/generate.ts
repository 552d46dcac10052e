/** `npm run generate`: what is made from the schema, and from what is rendered. A test finds files that are out of step. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderInventoryDoc } from '../src/inventory/document.ts';
import { renderReference } from '../src/inventory/reference.ts';
import { readSchema } from '../src/inventory/schema.ts';
import { ROOT } from './process.ts';
import { renderSecurityDoc } from './security/document.ts';
import { renderCluster } from './security/rendered.ts';

const schema = readSchema();
await writeFile(join(ROOT, 'inventories/reference.yaml'), renderReference(schema));
await writeFile(join(ROOT, 'docs/inventory.md'), renderInventoryDoc(schema));
await writeFile(join(ROOT, 'docs/security.md'), renderSecurityDoc(await renderCluster()));

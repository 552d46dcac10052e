import { readFile, stat } from 'node:fs/promises';
import type { ErrorObject } from 'ajv';
import { McpkError } from '../../core/errors.ts';
import { packageValidator } from '../../core/package-validator.ts';
import { writePrivate } from '../../core/private-file.ts';
import { unreadable } from '../../core/read-file.ts';
import type { Plan } from '../types.ts';

const MOST_BYTES = 256 * 1024 * 1024;
const MOST_ERRORS = 5;
const AGAIN = 'mcpk plan --out FILE writes one.';

/** Writes a plan for its owner alone (0600): all of it or nothing, on the disk when this returns. */
export async function writePlan(file: string, plan: Plan): Promise<void> {
  await writePrivate(file, `${JSON.stringify(plan, undefined, 2)}\n`);
}

/**
 * Reads a plan and holds it against schema/plan.v1.schema.json.
 *
 * @throws McpkError `invalid` when there is no such file, or it holds no plan
 */
export async function readPlan(file: string): Promise<Plan> {
  const text = await readText(file);
  const value = parse(file, text);
  const check = await packageValidator('plan');
  // What a branch of the schema says of itself is said again by what is wrong in it.
  const errors = check(value).filter((error) => error.keyword !== 'if');
  if (errors.length === 0) return value as Plan;
  throw notOne(file, errors.slice(0, MOST_ERRORS).map(told));
}

function told({ instancePath, keyword, params }: ErrorObject): string {
  // A key that is none of ours is a word of a file that may be anybody's.
  const key: unknown = params['missingProperty'];
  const path = typeof key === 'string' ? `${instancePath}/${key}` : instancePath;
  return `${path === '' ? 'it' : path}: ${WRONG[keyword] ?? 'is not what a plan has there'}`;
}

const WRONG: Readonly<Record<string, string>> = {
  additionalProperties: 'has something that no plan has there',
  required: 'is missing',
  type: 'is of another type',
  const: 'is another word',
  enum: 'is another word',
};

async function readText(file: string): Promise<string> {
  const refuse = (why: string, cause?: unknown): McpkError =>
    new McpkError('invalid', `${file}: ${why}`, { cause, hint: AGAIN });
  try {
    const about = await stat(file);
    if (!about.isFile()) throw refuse('is no file');
    if (about.size > MOST_BYTES) throw refuse('is larger than any plan');
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof McpkError) throw cause;
    throw refuse(unreadable(cause).message, cause);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Its words repeat the file's.
    throw notOne(file, ['it is no JSON, or not all of it']);
  }
}

function notOne(file: string, details: string[]): McpkError {
  return new McpkError('invalid', `${file} is not a plan of mcpk`, { details, hint: AGAIN });
}

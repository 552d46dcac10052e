import { expect, it } from 'vitest';
import { failure, McpkError, type ErrorCode } from '../../src/core/errors.ts';

it.each<[readonly [ErrorCode, ...ErrorCode[]], number]>([
  [['unreachable', 'hostKey'], 12],
  [['refused', 'invalid', 'hostKey'], 12],
  [['unreachable', 'refused', 'invalid'], 10],
  [['unreachable', 'refused'], 18],
  [['gate', 'unreachable'], 16],
  [['unreachable'], 11],
])('of %j the exit code is %d, whichever host fails first', ([first, ...rest], code) => {
  const of = (each: ErrorCode): McpkError => new McpkError(each, 'x');
  expect(failure([of(first), ...rest.map(of)]).exitCode).toBe(code);
});

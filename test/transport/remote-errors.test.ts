import { expect, it } from 'vitest';
import { scriptEnded, wrongPassword } from '../../src/transport/remote-errors.ts';

const WHO = { host: 'm1', user: 'op' };
const ending = (stderr: string): Parameters<typeof scriptEnded>[1] => ({
  exit: { code: 1 },
  stderr,
  preamble: '',
  started: false,
});

// An installer, or cloud-init, lets a user in before it is done with sudo.
it.each([
  ['sudo: a password is required', 'sudo wants a password from op', true],
  ['op is not in the sudoers file.', 'sudo does not allow op to become root', true],
  ['sudo: sorry, you must have a tty to run sudo', 'sudo wants a terminal (requiretty)', true],
  ['sh: 1: exec: sudo: not found', 'there is no sudo', true],
  ['mkdir: cannot create /run/mcpk: Permission denied', 'op is not root', false],
])('a session that ends with %j says what is wrong, and whether it may get well', (stderr, message, heals) => {
  const error = scriptEnded(WHO, ending(stderr));
  expect([error.message, error.again !== undefined]).toEqual([`m1: ${message}`, heals]);
});

it('a password that was refused once is not tried again', () => {
  expect(wrongPassword(WHO).again).toBeUndefined();
});

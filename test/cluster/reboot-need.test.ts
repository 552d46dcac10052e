import { expect, it } from 'vitest';
import { askRebootNeed, rebootNeed } from '../../src/cluster/reboot-need.ts';

const seen = (...paths: string[]): string | undefined =>
  rebootNeed(
    { host: 'w1', exitCode: 1, stdout: paths.map((path) => `${path}\n`).join(''), stderr: '' },
    '6.12.48+deb13-amd64',
  );
const kernel = (release: string): string => `/boot/vmlinuz-${release}`;

it.each([
  ['nothing is there', []],
  ['the kernel that runs is the only one', [kernel('6.12.48+deb13-amd64')]],
  ['older ones are there', [kernel('6.12.9+deb13-amd64'), kernel('6.1.0-44-amd64')]],
  ['a newer one of another flavour is there', [kernel('6.12.63+deb13-cloud-amd64'), kernel('7.0.1-rt-amd64')]],
  ['only the list of packages is left', ['/run/reboot-required.pkgs']],
  ['nonsense is there', [kernel(''), kernel('-'), kernel('memtest'), kernel('9'.repeat(400))]],
])('a host need not boot where %s', (_, paths) => {
  expect(seen(...paths)).toBeUndefined();
});

it.each([
  ['6.12.48+deb13+1-amd64', 'a revision'],
  ['6.12.63+deb13-amd64', 'a patch'],
  ['6.13-amd64', 'a minor'],
  ['7.0.0-1-amd64', 'a major'],
])('a host should boot for kernel %s, newer by %s', (release) => {
  expect(seen(kernel('6.12.48+deb13-amd64'), kernel(release), kernel('6.12.48+deb13-amd64'))).toBe(
    `kernel ${release} is installed, 6.12.48+deb13-amd64 runs`,
  );
});

it('of several newer ones the newest is named, beside the mark that packages leave', () => {
  expect(seen('/run/reboot-required', kernel('6.12.63+deb13-amd64'), kernel('6.12.100+deb13-amd64'))).toBe(
    'kernel 6.12.100+deb13-amd64 is installed, 6.12.48+deb13-amd64 runs; /run/reboot-required is there',
  );
});

it("Ubuntu's kernels are told apart by what follows their version", () => {
  const answer = { host: 'w1', exitCode: 0, stdout: kernel('6.8.0-101-generic'), stderr: '' };
  expect(rebootNeed(answer, '6.8.0-45-generic')).toContain('6.8.0-101-generic is installed');
  expect(rebootNeed(answer, '6.8.0-45-lowlatency')).toBeUndefined();
});

it('one process of the host tells all of it', () => {
  expect(askRebootNeed('w1').argv[0]).toBe('find');
});

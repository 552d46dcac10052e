import { describe, expect, it } from 'vitest';
import { FailureList, McpkError } from '../../src/core/errors.ts';
import { renderError } from '../../src/report/error-text.ts';
import { PLAIN, width } from '../../src/report/theme.ts';

const GATE = new McpkError('gate', 'etcd on m2: not healthy after 30 s', {
  host: 'm2',
  details: ['last answer  "certificate is valid for 10.77.0.12"', 'unit         active, restarted 4 times'],
  hint: 'internalAddress of m2 is not an address of that host',
});

describe('renderError', () => {
  it('says what, where, why and what now', () => {
    expect(renderError(GATE, PLAIN)).toBe(`✖ etcd on m2: not healthy after 30 s (exit 16)
  last answer  "certificate is valid for 10.77.0.12"
  unit         active, restarted 4 times
  hint  internalAddress of m2 is not an address of that host
`);
  });

  it('keeps the exit code on one line', () => {
    const error = new McpkError('unreachable', 'm1: nothing listens there', { host: 'm1' });
    for (let columns = 20; columns < 60; columns += 1)
      expect(renderError(error, { ...PLAIN, columns })).toMatch(/[ \n]\(exit 11\)\n$/);
  });

  it('names the host when the message does not', () => {
    expect(renderError(new McpkError('unreachable', 'connection refused', { host: 'm1' }), PLAIN)).toBe(
      '✖ m1: connection refused (exit 11)\n',
    );
  });

  it('does not take a host named m1 for one named m11', () => {
    expect(renderError(new McpkError('unreachable', 'm11 refuses', { host: 'm1' }), PLAIN)).toContain(
      '✖ m1: m11 refuses',
    );
  });

  it('shows the same failure on several hosts once', () => {
    const taken = (host: string): McpkError =>
      new McpkError('preflight', 'port 443 is taken', { host, hint: 'see ss -ltnp' });
    const text = renderError(new FailureList([taken('m1'), taken('m2'), GATE]), PLAIN);
    expect(text).toContain('✖ m1, m2: port 443 is taken (exit 14)');
    expect(text.match(/ss -ltnp/g)).toHaveLength(1);
    expect(text).toContain('✖ etcd on m2');
  });

  it('shows the stack of an unknown fault only on request', () => {
    const error = new TypeError('x is not a function');
    expect(renderError(error, PLAIN)).not.toContain('at ');
    expect(renderError(error, PLAIN)).toContain('x is not a function (exit 1)');
    expect(renderError(error, PLAIN, { stack: true })).toContain('    at ');
  });

  it('lets no escape sequence of a host reach the terminal, and stays within it', () => {
    const error = new McpkError('stage', 'boom \u001b[2Jgone\u0007', { details: ['x'.repeat(300)] });
    const text = renderError(error, { ...PLAIN, columns: 60 });
    expect(text).toContain('boom gone');
    for (const line of text.split('\n')) expect(width(line)).toBeLessThanOrEqual(60);
  });
});

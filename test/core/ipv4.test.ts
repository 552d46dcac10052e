import { describe, expect, it } from 'vitest';
import { formatIpv4, inCidr, isIpv4, nthAddress, overlap, parseCidr, parseIpv4 } from '../../src/core/ipv4.ts';

describe('addresses', () => {
  it.each(['0.0.0.0', '10.77.0.100', '255.255.255.255'])('%s reads and writes as itself', (text) => {
    expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text);
  });

  it.each(['', '10.0.0', '10.0.0.256', '10.0.0.1.1', 'api.example.net', '::1', '10.0.0.-1'])('%j is none', (text) => {
    expect(isIpv4(text)).toBe(false);
  });
});

describe('ranges', () => {
  it.each([
    ['10.77.0.100', '10.77.0.11/24', true],
    ['10.77.1.0', '10.77.0.11/24', false],
    ['200.0.0.1', '128.0.0.0/1', true],
    ['10.77.0.1', '10.77.0.1/32', true],
    ['10.77.0.1', '10.77.0.1', false],
    ['10.77.0.1', '10.77.0.0/33', false],
  ])('%s in %s: %s', (address, cidr, inside) => {
    expect(inCidr(address, cidr)).toBe(inside);
  });

  it('counts from the base, whatever address the range was written with', () => {
    expect(nthAddress('10.254.3.9/16', 1)).toBe('10.254.0.1');
    expect(() => nthAddress('10.0.0.0/32', 1)).toThrow(RangeError);
    expect(parseCidr('10.0.0.0/')).toBeUndefined();
  });

  it.each([
    ['10.0.0.0/8', '10.77.0.0/24', true],
    ['10.77.0.0/24', '10.0.0.0/8', true],
    ['10.77.0.0/24', '10.77.1.0/24', false],
  ])('%s and %s overlap: %s', (a, b, both) => {
    expect(overlap(a, b)).toBe(both);
  });
});

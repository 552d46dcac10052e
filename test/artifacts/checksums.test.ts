import { expect, it } from 'vitest';
import { publishedSum } from '../../src/artifacts/checksums.ts';
import { McpkError } from '../../src/core/errors.ts';

it('shows nothing of what a mirror answers in place of a checksum: it may lead to a page that is not for all', () => {
  const from = 'https://mirror.example.org/kubelet.sha256';
  const refused = (): string => publishedSum('internal secret body', 'https://mirror.example.org/kubelet', from);
  expect(refused).toThrow(McpkError);
  try {
    refused();
  } catch (error) {
    expect(JSON.stringify(error)).not.toContain('internal');
    expect(error).toMatchObject({ code: 'fetch', message: `${from} has no sha256 of kubelet` });
  }
});

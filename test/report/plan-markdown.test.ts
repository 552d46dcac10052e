import { describe, expect, it } from 'vitest';
import type { Plan, PlanItem } from '../../src/engine/types.ts';
import { MOST_MARKDOWN, renderPlanMarkdown } from '../../src/report/plan-markdown.ts';
import { CHANGED_FLAG, hosts, MIXED, NOTHING, planOf, stage } from '../fixtures/plan.ts';

function file(after: string, title = '/etc/a'): PlanItem {
  return { ref: `file:${title}`, title, kind: 'file', comparison: { result: 'change', verb: 'update', reasons: [], hash: 'b', rests: 'a', diff: { before: 'old\n', after } } }; // prettier-ignore
}

function changed(...items: PlanItem[]): Plan {
  return planOf([stage('system', { batches: [['m1']], hosts: hosts(['m1'], items) })], {
    changes: items.length,
    hosts: 1,
  });
}

describe('a plan in Markdown', () => {
  it('says what it comes to, and folds each stage with its diffs', () => {
    expect(renderPlanMarkdown(CHANGED_FLAG)).toBe(`## mcpk: plan for \`lab\`

**6 changes on 3 hosts, 3 restarts, nothing removed. 214 states unchanged.**

3 hosts, Kubernetes \`1.37.1\`, etcd \`3.7.3\`

<details><summary>api-server</summary>

\`\`\`diff
api-server                                              m1, m2, m3 (same change)
  ~ file  /etc/kubernetes/kube-apiserver.env
@@ -2,5 +2,5 @@
  --b=2
  --c=3
- --audit-log-maxage=30
+ --audit-log-maxage=90
  --d=4
  --e=5
  ↻ unit  kube-apiserver.service    restart: its environment file changes

Order  m2 → m3 → m1 (m1 holds the VIP, so it goes last)
       before m1: hand the VIP over
       after each: /readyz, HAProxy sees the backend up
\`\`\`

</details>
`);
  });

  it('folds nothing where there is nothing to do', () => {
    const text = renderPlanMarkdown(NOTHING);
    expect(text).toContain('**Nothing to do: 3 states on 3 hosts as wanted.**');
    expect(text).not.toContain('<details>');
  });

  it('tells what apply would refuse', () => {
    const refused = [{ stage: 'api-server', hosts: ['m2'], title: 'two members', wrong: 'one is up', consequence: 'No quorum.' }]; // prettier-ignore
    const text = renderPlanMarkdown({ ...CHANGED_FLAG, refused });
    expect(text).toContain('**`apply` would refuse it** (exit 18)');
    expect(text).toMatch(
      /<details><summary>Order and conditions<\/summary>\n\n```text\n[^`]*two members[^`]*one is up/,
    );
  });

  it.each(['```', '``````', '~~~', '</details>', '<img src=x>', '@everyone', '```diff'])(
    '%s in a file stays within its fence',
    (said) => {
      const text = renderPlanMarkdown(changed(file(`${said}\n`)));
      const [, fence = '', within = ''] = /\n(`{3,})diff\n([^]*?)\n\1\n/.exec(text) ?? [];
      expect(within).toContain(`+ ${said}`);
      expect(within.match(/`+/g)?.every((run) => run.length < fence.length) ?? true).toBe(true);
      expect(text.replace(within, '')).not.toContain(`+ ${said}`);
    },
  );

  it('a name cannot leave its place', () => {
    expect(renderPlanMarkdown({ ...MIXED, cluster: 'a`b\n# c <i>' })).toContain('plan for `` a`b # c <i> ``\n');
  });

  it.each([1, 20])('is at most 60 kB, says what is left out, and closes what it opens: %d stages', (count) => {
    const lines = Array.from({ length: 3000 }, (_, at) => `zeile ${String(at)} mit ä und 😀\n`).join('');
    const one = changed(file(lines)).stages[0];
    const stages = Array.from({ length: count }, (_, at) => ({
      ...(one as NonNullable<typeof one>),
      name: `s${String(at)}`,
    }));
    const text = renderPlanMarkdown(planOf(stages, { changes: count, hosts: 1 }));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_MARKDOWN);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MOST_MARKDOWN - 1000);
    expect(text).toContain('… cut off here\n```\n\n</details>\n\n**Cut off**: ');
    expect(text.match(/<details>/g)).toHaveLength(text.match(/<\/details>/g)?.length ?? -1);
    expect(text.match(/^```/gm)?.length).toBe(2 * (text.match(/<details>/g)?.length ?? -1));
    expect(text).toContain(count === 1 ? 'the last part is not' : 'the last 20 parts are not');
  });
});

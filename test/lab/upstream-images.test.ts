import { describe, expect, it } from 'vitest';
import { TEST_IMAGES } from '../../lab/test-images.ts';
import { listedImages } from '../../lab/upstream-images.ts';

const MANIFEST = `var (
	initRegistry = RegistryList{
		// Eliminate PrivateRegistry.
		PromoterE2eRegistry:      "registry.k8s.io/e2e-test-images",
		GcRegistry:               "registry.k8s.io",
		PrivateRegistry:          "gcr.io/k8s-authenticated-test",
	}
)

func initImageConfigs(list RegistryList) (map[ImageID]Config, map[ImageID]Config) {
	configs := map[ImageID]Config{}
	configs[AgnhostPrev] = Config{list.PromoterE2eRegistry, "agnhost", "2.55"}
	// Pause - when these values are updated, also update cmd/kubelet/app/options/container_runtime.go
	configs[Pause] = Config{list.GcRegistry, "pause", "3.10.2"}
	configs[NodePerfNpbEp] = Config{list.PromoterE2eRegistry, "node-perf/npb-ep", "1.6.0"}
	configs[i] = config
`;

describe('listedImages', () => {
  it('reads names and tags out of upstream’s source, with the path that the lab’s registry has for each', () => {
    expect([...listedImages(MANIFEST)]).toEqual([
      [
        'AgnhostPrev',
        {
          reference: 'registry.k8s.io/e2e-test-images/agnhost:2.55',
          repository: 'e2e-test-images/agnhost',
          tag: '2.55',
        },
      ],
      ['Pause', { reference: 'registry.k8s.io/pause:3.10.2', repository: 'pause', tag: '3.10.2' }],
      [
        'NodePerfNpbEp',
        {
          reference: 'registry.k8s.io/e2e-test-images/node-perf/npb-ep:1.6.0',
          repository: 'e2e-test-images/node-perf/npb-ep',
          tag: '1.6.0',
        },
      ],
    ]);
  });

  it('refuses a registry that the list does not name', () => {
    expect(() => listedImages('\tconfigs[A] = Config{list.Other, "a", "1"}\n')).toThrow('names no registry Other');
  });
});

describe('the images that are made', () => {
  const shell = { busybox: '/busybox', applets: ['sh', 'ls'] };
  const parts = {
    work: '/work',
    shell,
    program: (component: string, name: string) => `/${component}/${name}`,
    source: (path: string) => `/upstream/${path}`,
  };

  it('serve what upstream’s do: kitten and nautilus their own files', async () => {
    for (const [id, name] of [
      ['Kitten', 'kitten'],
      ['Nautilus', 'nautilus'],
    ] as const) {
      const image = await TEST_IMAGES[id]?.make(parts);
      expect(image?.files['data.json']).toBe(`/upstream/${name}/html/data.json`);
      expect(image?.files[`${name}.jpg`]).toBe(`/upstream/${name}/html/${name}.jpg`);
      expect(image).toMatchObject({ entrypoint: ['/agnhost'], command: ['test-webserver'] });
    }
  });

  it('run as upstream’s do: nonroot as 1234, etcd and the sample API server by the paths that specs call', async () => {
    expect(await TEST_IMAGES['NonRoot']?.make(parts)).toMatchObject({ user: '1234' });
    expect((await TEST_IMAGES['Etcd']?.make(parts))?.files['usr/local/bin/etcd']).toBe('/etcd/etcd');
    expect(await TEST_IMAGES['APIServer']?.make(parts)).toMatchObject({ entrypoint: ['/sample-apiserver'] });
  });

  it('each say what they are made of', () => {
    expect(Object.values(TEST_IMAGES).filter(({ of }) => of === '')).toEqual([]);
  });
});

/**
 * The layer rule: imports go strictly downward by rank, siblings never import each other, type imports count.
 * `npm run check` runs it; docs/ARCHITECTURE.md draws it. `src/payment` and `src/web` have their place
 * for when they come.
 */

/** The rank of every folder in src/. */
export const RANKS = {
  base: 0,
  wire: 1,
  crypto: 1,
  control: 1,
  link: 2,
  route: 3,
  graph: 3,
  bundle: 4,
  discovery: 4,
  radio: 4,
  tunnel: 5,
  services: 5,
  payment: 5,
  node: 6,
  os: 7,
  native: 7,
  daemon: 8,
  cli: 8,
  web: 8,
};

const PURE_TOP_RANK = RANKS.node;
const layers = Object.keys(RANKS);
const folders = (names) => `^src/(${names.join('|')})/`;
const below = (layer) => layers.filter((other) => RANKS[other] < RANKS[layer]);
const notBelow = (layer) => layers.filter((other) => other !== layer && RANKS[other] >= RANKS[layer]);

const downward = layers.map((layer) => ({
  name: `layer-${layer}`,
  severity: 'error',
  comment:
    `src/${layer} has rank ${RANKS[layer]} and may import only from ranks below it (${below(layer).join(', ') || 'nothing'}). ` +
    'Remedy: declare what it needs as an interface in its own folder (a port) and wire it in src/node or src/daemon; or ' +
    'move the shared thing down.',
  from: { path: folders([layer]) },
  to: { path: folders(notBelow(layer)) },
}));

const programs = [
  {
    name: 'cli-sees-control-only',
    severity: 'error',
    comment:
      'src/cli and src/web know the daemon through its control socket alone, so they may import base and control. ' +
      'Remedy: add what they need to the schema in src/control and ask the daemon for it.',
    from: { path: folders(['cli', 'web']) },
    to: { path: '^src/', pathNot: folders(['cli', 'web', 'base', 'control']) },
  },
  {
    name: 'only-daemon-touches-the-system',
    severity: 'error',
    comment:
      'Only src/daemon imports os and native: everything else gets the system through ports, so that it runs in the ' +
      'simulation. Remedy: take it through the Env or a port, and let src/daemon pass the real one in.',
    from: { path: '^src/', pathNot: folders(['daemon', 'os', 'native']) },
    to: { path: folders(['os', 'native']) },
  },
  {
    name: 'pure-core-imports-no-node',
    severity: 'error',
    comment:
      `Layers up to rank ${PURE_TOP_RANK} are pure: no file, socket, clock or process of Node's. Remedy: take it through Env ` +
      '(src/base/env.ts). The one exception is crypto/node-cipher.ts, which is the node:crypto back end.',
    from: {
      path: folders(layers.filter((layer) => RANKS[layer] <= PURE_TOP_RANK)),
      pathNot: '^src/crypto/node-cipher\\.ts$',
    },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'product-imports-no-tests',
    severity: 'error',
    comment: 'What ships may not depend on tests or scripts. Remedy: move the shared thing into src.',
    from: { path: '^src/' },
    to: { path: '^(test|scripts)/' },
  },
  {
    name: 'no-cycles',
    severity: 'error',
    comment: 'Two files that import each other are one noun in two files. Remedy: merge them, or move the shared part out.',
    from: { path: '^(src|test|scripts)/' },
    // Types that know each other are no trouble at run time.
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'every-folder-has-a-rank',
    severity: 'error',
    comment: 'A folder in src without a rank escapes the layer rule. Remedy: give it a rank in .dependency-cruiser.mjs.',
    from: {},
    to: { path: '^src/', pathNot: folders(layers) },
  },
  {
    name: 'imports-resolve',
    severity: 'error',
    comment: 'The import leads nowhere. Remedy: mend the path, or install the package.',
    from: { path: '^(src|test|scripts)/' },
    to: { couldNotResolve: true },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...downward, ...programs],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};

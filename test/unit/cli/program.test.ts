/**
 * The program as it ships: bundled, run as a child process against a real control server that gives sample answers.
 * Beside it lies a `skywired.mjs` that has the daemon's subcommands and nothing else.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Drops } from '../../../src/base/drops.ts';
import { ControlServer } from '../../../src/os/control-server.ts';
import {
  DELIVERY,
  GATEWAY,
  KEY,
  LINKS,
  MINER,
  PEERS,
  RELAY_A,
  RELAY_B,
  ROUTES,
  SILENT_KEY,
  STATUS,
  sampleHandlers,
} from './sample-handlers.ts';

const ROOT = join(import.meta.dirname, '../../..');

let folder: string;
let program: string;
let socketPath: string;
let server: ControlServer;
let onCall: (method: string) => void = () => {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skywire-cli-'));
  program = join(folder, 'skywire.mjs');
  socketPath = join(folder, 'control.sock');
  const shipped = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    absWorkingDir: ROOT,
  } as const;
  const daemon = `import { runSubcommand } from './src/daemon/subcommands.ts';
    process.exitCode = runSubcommand(process.argv[2], process.argv.slice(3));`;
  await build({ ...shipped, entryPoints: ['src/cli/main.ts'], outfile: program });
  await build({
    ...shipped,
    stdin: { contents: daemon, resolveDir: ROOT },
    outfile: join(folder, 'skywired.mjs'),
  });
  const handlers = sampleHandlers((method) => onCall(method));
  server = new ControlServer({ socketPath, handlers, drops: new Drops(), log: { write: () => {} } });
  await server.start();
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env.PATH, SKYWIRE_SOCKET: socketPath, ...environment };
  return spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs to the end; asynchronous, because the server answers from this process. */
async function skywire(...args: string[]): Promise<Ended> {
  return end(start(args));
}

async function end(child: ChildProcess): Promise<Ended> {
  let out = '';
  let err = '';
  child.stdout!.on('data', (text) => {
    out += text;
  });
  child.stderr!.on('data', (text) => {
    err += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

describe('--json prints one line with what the daemon sent', () => {
  test.each([
    [['status'], STATUS],
    [['links'], LINKS],
    [['peers'], PEERS],
    [['delivery'], DELIVERY],
    [['routes'], ROUTES],
    [['ping', KEY, '-c', '3'], { key: KEY, address: GATEWAY, rtts_ms: [20, null, 23] }],
    [['address'], { address: MINER, key: KEY }],
    [['version'], { version: '0.1.0', daemon: { version: '0.1.0', protocol: 1, control: 1, runtime: 'node 24.21.0' } }],
  ])('%j', async (args, expected) => {
    const { code, out, err } = await skywire(...args, '--json');
    expect({ code, err, lines: out.split('\n').length }).toEqual({ code: 0, err: '', lines: 2 });
    expect(JSON.parse(out)).toEqual(expected);
  });
});

describe('the human form', () => {
  test('is plain text without colour where there is no terminal', async () => {
    for (const command of ['status', 'links', 'peers', 'routes', 'delivery', 'gateway', 'version']) {
      const { code, out, err } = await skywire(command);
      expect({ command, code, err }).toEqual({ command, code: 0, err: '' });
      expect(out).toMatch(/^[\x20-\x7e\n]+\n$/);
    }
  });

  test('says the state first', async () => {
    expect((await skywire('status')).out).toMatch(/^Tunnel +connected$/m);
    expect((await skywire('links')).out.split('\n')[1]).toMatch(/^ +1 +puXM\S+ +up +192\.0\.2\.7:6969/);
    expect((await skywire('version')).out).toBe('skywire   0.1.0\nskywired  0.1.0 on node 24.21.0\n');
    expect((await skywire('address')).out).toBe(`${MINER}\n`);
  });
});

describe('gateway use', () => {
  test('changes the gateway, with options before or after the word', async () => {
    const used = await skywire('gateway', 'use', RELAY_B, '--json', '--socket', socketPath);
    expect(JSON.parse(used.out)).toMatchObject({ selected: RELAY_B });
    const none = await skywire('gateway', '--json', 'use', 'none');
    expect(JSON.parse(none.out)).toMatchObject({ selected: 'none', state: 'off' });
    expect((await skywire('gateway')).out).toMatch(/^Selected +none$/m);
    await skywire('gateway', 'use', GATEWAY);
  });

  test('that the daemon refuses is one line with its exit code', async () => {
    expect(await skywire('gateway', 'use', RELAY_A)).toEqual({
      code: 9,
      out: '',
      err: `skywire: ${RELAY_A} is no gateway. See \`skywire gateway\`\n`,
    });
  });
});

describe('delivery', () => {
  test('changes that of one link or of the tunnel', async () => {
    const link = await skywire('delivery', '--peer', RELAY_B, 'unreliable', '--json');
    expect(JSON.parse(link.out)).toEqual({
      tunnel: 'reliable',
      peers: [DELIVERY.peers[0], { ...DELIVERY.peers[1], delivery: 'unreliable' }],
    });
    expect((await skywire('delivery', '--tunnel', '500ms')).out).toMatch(/^Tunnel +500ms$/m);
  });

  test.each([
    [['reliable'], 'a mode is for one peer or the tunnel'],
    [['--peer', RELAY_B, '--tunnel', 'reliable'], 'a mode is for one peer or the tunnel'],
    [['--peer', RELAY_B], 'a mode is missing'],
    [['--tunnel', 'fast'], 'delivery must be "reliable", "unreliable" or a deadline'],
    [['--peer', 'attic', 'reliable'], 'peer must be an address or a public key'],
  ])('with %j is wrong usage', async (args, words) => {
    const { code, out, err } = await skywire('delivery', ...args);
    expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 2, out: '', lines: 2 });
    expect(err).toContain(words);
    expect(err).toContain('skywire delivery --help');
  });
});

test('a ping that nobody answers ends with exit code 1', async () => {
  const { code, out } = await skywire('ping', SILENT_KEY, '--count', '2');
  expect(code).toBe(1);
  expect(out).toContain('2 sent, 0 answered');
});

test('status --watch goes on until it is stopped', async () => {
  const seenTwice = new Promise<void>((resolve) => {
    let calls = 0;
    onCall = () => {
      if (++calls === 2) resolve();
    };
  });
  const child = start(['status', '--watch', '--json']);
  const ended = end(child);
  await seenTwice;
  child.kill('SIGINT');
  const { out } = await ended;
  expect(JSON.parse(out.split('\n')[0])).toEqual(STATUS);
  onCall = () => {};
});

test('a reader that has seen enough is no error', async () => {
  const child = start(['status', '--watch']);
  child.stdout!.once('data', () => child.stdout!.destroy());
  const [code, err] = await new Promise<[number | null, string]>((resolve) => {
    let text = '';
    child.stderr!.on('data', (part) => {
      text += part;
    });
    child.once('close', (status) => resolve([status, text]));
  });
  expect([code, err]).toEqual([0, '']);
});

describe('without a daemon', () => {
  const nowhere = () => ({ SKYWIRE_SOCKET: join(folder, 'nobody.sock') });

  test.each(['status', 'peers', 'routes', 'gateway', 'address'])('%s says so in one line', async (command) => {
    expect(await end(start([command], nowhere()))).toEqual({
      code: 8,
      out: '',
      err: `skywire: no daemon answers at ${folder}/nobody.sock. Start it (\`systemctl start skywired\`), or name its socket with --socket\n`,
    });
  });

  test('version still knows its own', async () => {
    const { code, out } = await end(start(['version', '--json'], nowhere()));
    expect([code, JSON.parse(out)]).toEqual([0, { version: '0.1.0', daemon: null }]);
  });
});

describe('wrong usage is one line and exit code 2', () => {
  test.each([
    [['stats'], "unknown command 'stats' (Did you mean status?)"],
    [['peers', '--wat'], "unknown option '--wat'"],
    [['ping'], "missing required argument 'key'"],
    [['ping', 'x'], 'key must be a public key'],
    [['ping', KEY, '-c', '0'], 'The count is a whole number from 1 to 20'],
    [['gateway', 'use', 'home'], 'gateway must be "none", "auto", an address or a public key'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['address', KEY, '--key-file', 'x'], 'both given'],
    [['address', '02zz'], 'not a public key'],
  ])('%j', async (args, words) => {
    const { code, out, err } = await skywire(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^skywire: [^\n]+\n$/);
    expect(err).toContain(words);
  });
});

test('every command has help with a description', async () => {
  const { code, out } = await skywire('--help');
  expect(code).toBe(0);
  const commands = [...out.matchAll(/^ {2}([a-z][a-z-]*)(?:\|[a-z-]+)? /gm)].map((match) => match[1]);
  expect(commands).toEqual(
    'status links peers routes gateway delivery ping keygen address check-config setup update version completion'.split(
      ' ',
    ),
  );
  for (const command of commands) {
    const help = await skywire(command, '--help');
    expect(help.code).toBe(0);
    expect(help.out).toMatch(/^Usage: skywire/);
  }
});

describe('what the daemon program does', () => {
  test('keygen writes a key that address reads', async () => {
    const file = join(folder, 'node.key');
    const made = JSON.parse((await skywire('keygen', '--out', file, '--json')).out);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(JSON.parse((await skywire('address', '--key-file', file, '--json')).out)).toEqual({
      address: made.address,
      key: made.key,
    });
    expect((await skywire('address', made.key)).out).toBe(`${made.address}\n`);
    expect(await skywire('keygen', '--out', file)).toMatchObject({ code: 7, out: '' });
  });

  test('check-config ends with 0 or 3', async () => {
    const file = join(folder, 'skywired.toml');
    writeFileSync(file, '[node]\nname = "attic"\n');
    expect(await skywire('check-config', file)).toMatchObject({ code: 0, err: '' });
    writeFileSync(file, '[node]\nnmae = "attic"\n');
    expect(await skywire('check-config', file)).toEqual({
      code: 3,
      out: '',
      err: `${file}:2:1: node.nmae is not a key that exists. Did you mean name?\n`,
    });
  });
});

describe('completion', () => {
  async function script(shell: string): Promise<string> {
    return (await skywire('completion', shell)).out;
  }

  function bashWords(source: string, ...words: string[]): string[] {
    const line = `${source}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})\nCOMP_CWORD=${words.length - 1}\n_skywire\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    const done = spawnSync('bash', ['--norc', '-c', line], { encoding: 'utf8' });
    expect(done.stderr).toBe('');
    return done.stdout.split('\n').filter((word) => word !== '');
  }

  test('for bash is valid and completes commands, subcommands, options and choices', async () => {
    const source = await script('bash');
    expect(spawnSync('bash', ['-n'], { input: source, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(bashWords(source, 'skywire', 'p')).toEqual(['peers', 'ping']);
    expect(bashWords(source, 'skywire', 'gateway', 'u')).toEqual(['use']);
    expect(bashWords(source, 'skywire', 'gateway', 'use', '--s')).toEqual(['--socket']);
    expect(bashWords(source, 'skywire', 'completion', '')).toEqual(['bash', 'zsh', 'fish', '--help']);
    expect(bashWords(source, 'skywire', 'status', '--w')).toEqual(['--watch']);
    expect(bashWords(source, 'skywire', 'check-config', `${folder}/skywire.m`)).toEqual([program]);
    expect(bashWords(source, 'skywire', 'keygen', '--out', `${folder}/skywire.m`)).toEqual([program]);
  });

  test.each(['zsh', 'fish'])('for %s names every command', async (shell) => {
    const source = await script(shell);
    for (const word of ['status', 'gateway', 'use', 'check-config', 'completion']) expect(source).toContain(word);
    // Where the shell is installed it reads the script too.
    const checked = spawnSync(shell, ['-n'], { input: source, encoding: 'utf8' });
    if (checked.error === undefined) expect(checked).toMatchObject({ status: 0, stderr: '' });
  });
});

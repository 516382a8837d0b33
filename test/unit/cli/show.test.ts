import { describe, expect, test } from 'vitest';
import { showGateway, showPing } from '../../../src/cli/show-gateway.ts';
import { showDelivery, showLinks } from '../../../src/cli/show-links.ts';
import { showRoutes } from '../../../src/cli/show-routes.ts';
import { showStatus } from '../../../src/cli/show-status.ts';
import { type Paint, table } from '../../../src/cli/table.ts';
import { DELIVERY, GATEWAY, KEY, LINKS, ROUTES, SILENT_KEY, STATUS } from './sample-handlers.ts';

const plain: Paint = (_style, text) => text;

describe('status', () => {
  test('of a connected miner', () => {
    expect(showStatus(STATUS, plain)).toMatchInlineSnapshot(`
      "Node        attic, address AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
                  key 02abababababababababababababababababababababababababababababababab
      Running     for 3 h 12 min, version 0.1.0
      Reached at  0.0.0.0:6969, [::]:6969
      Tunnel      connected
                  to gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
                  as 10.64.0.2
                  over 2 of 2 routes
                  in 1.23 GB, out 33.0 kB, last 0.3 s ago
      LAN         eth0, this box is 192.168.42.1/24, gives out addresses
      Links       1 of 2 up
      Routes      2 begin here, 0 end here, 5 of others pass through
      Gateway     not a gateway for others
      Data path   native: cipher openssl, curve libsecp256k1, TUN native
      Memory      62.3 MB
      Dropped     frame-unknown 12, link-tag-wrong 3
      "
    `);
  });

  test('of a box that has nothing yet', () => {
    const tunnel = { ...STATUS.tunnel, state: 'off' as const, gateway: null };
    const bare = { ...STATUS, tunnel, lan: null, links: { up: 0, configured: 0 }, drops: {} };
    expect(showStatus(bare, plain)).toMatchInlineSnapshot(`
      "Node        attic, address AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
                  key 02abababababababababababababababababababababababababababababababab
      Running     for 3 h 12 min, version 0.1.0
      Reached at  0.0.0.0:6969, [::]:6969
      Tunnel      off
      LAN         none
      Links       no peers configured
      Routes      2 begin here, 0 end here, 5 of others pass through
      Gateway     not a gateway for others
      Data path   native: cipher openssl, curve libsecp256k1, TUN native
      Memory      62.3 MB
      Dropped     nothing
      "
    `);
  });

  test('says loudly what is not in the tunnel', () => {
    const policy = { rules: 3, direct: ['to 192.0.2.7, tcp, ports 443, by eth1'], gateways: [] };
    const shown = showStatus({ ...STATUS, policy }, (style, text) => (style === 'red' ? text.toUpperCase() : text));
    expect(shown).toMatch(
      /^Policy {6}3 rules\nDirect {6}NOT IN THE TUNNEL: 1 EXCEPTION IN THE CLEAR\n {12}TO 192\.0\.2\.7, TCP/m,
    );
  });

  test('says how the gateways do that rules name', () => {
    const known = { gateway: STATUS.tunnel.gateway!, bytes_in: 2_000, bytes_out: 0 };
    const gateways = [
      { ...known, state: 'connected' as const, leased_address: '10.65.0.2', problem: null },
      { ...known, state: 'lost' as const, leased_address: null, problem: 'the gateway is silent' },
    ];
    expect(showStatus({ ...STATUS, policy: { rules: 2, direct: [], gateways } }, plain)).toContain(`
Policy      2 rules
            connected to gateway ${known.gateway} as 10.65.0.2
            in 2.00 kB, out 0 B
            lost to gateway ${known.gateway}
            the gateway is silent
            in 2.00 kB, out 0 B
LAN `);
  });

  test('of a tunnel that does not come up says why', () => {
    const tunnel = {
      ...STATUS.tunnel,
      state: 'connecting' as const,
      leased_address: null,
      last_bytes_ms_ago: null,
      routes_up: 0,
      problem: 'the gateway has no address left',
    };
    expect(showStatus({ ...STATUS, tunnel }, plain)).toMatchInlineSnapshot(`
      "Node        attic, address AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
                  key 02abababababababababababababababababababababababababababababababab
      Running     for 3 h 12 min, version 0.1.0
      Reached at  0.0.0.0:6969, [::]:6969
      Tunnel      connecting
                  the gateway has no address left
                  to gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
                  over 0 of 2 routes
                  in 1.23 GB, out 33.0 kB, nothing came back yet
      LAN         eth0, this box is 192.168.42.1/24, gives out addresses
      Links       1 of 2 up
      Routes      2 begin here, 0 end here, 5 of others pass through
      Gateway     not a gateway for others
      Data path   native: cipher openssl, curve libsecp256k1, TUN native
      Memory      62.3 MB
      Dropped     frame-unknown 12, link-tag-wrong 3
      "
    `);
  });

  test('of a gateway', () => {
    const gateway = { ...STATUS.gateway, enabled: true, service_key: KEY, clients: 1, pool_size: 253, pool_free: 252 };
    const drops = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`reason-${index}`, index]));
    expect(showStatus({ ...STATUS, gateway, drops }, plain)).toMatchInlineSnapshot(`
      "Node        attic, address AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
                  key 02abababababababababababababababababababababababababababababababab
      Running     for 3 h 12 min, version 0.1.0
      Reached at  0.0.0.0:6969, [::]:6969
      Tunnel      connected
                  to gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
                  as 10.64.0.2
                  over 2 of 2 routes
                  in 1.23 GB, out 33.0 kB, last 0.3 s ago
      LAN         eth0, this box is 192.168.42.1/24, gives out addresses
      Links       1 of 2 up
      Routes      2 begin here, 0 end here, 5 of others pass through
      Gateway     1 client, 252 of 253 addresses free
                  in 0 B, out 0 B
      Data path   native: cipher openssl, curve libsecp256k1, TUN native
      Memory      62.3 MB
      Dropped     reason-6 6, reason-5 5, reason-4 4, reason-3 3, reason-2 2, and 2 more reasons
      "
    `);
  });
});

describe('links', () => {
  test('are two tables, and a remark for what is not as usual', () => {
    expect(showLinks(LINKS.links, plain)).toMatchInlineSnapshot(`
      "LINK  ADDRESS                              STATE  ENDPOINT
         1  puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1   up     192.0.2.7:6969
         2  2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq  down   -

      LINK  HEARD         RTT    QUEUE   LOSS       RATE  RESENT       IN      OUT
         1  just now  12.3 ms  0.84 ms  4.2 %  9.02 Mb/s    1204  1.20 GB  33.0 kB

      Link 1 sends again for 150ms at most.
      Link 2 is down, heard never.
      Link 2 is receive-only: what goes to it takes other links.
      "
    `);
  });

  test('that work one way, or are not reliable, say what that means', () => {
    const [link] = LINKS.links;
    const remarks = (change: Partial<typeof link>) =>
      showLinks([{ ...link, delivery: 'reliable', ...change }], plain)
        .split('\n')
        .slice(6, -1);
    expect(remarks({})).toEqual([]);
    expect(remarks({ direction: 'send-only' })).toEqual(['Link 1 is send-only: what it sends comes over other links.']);
    expect(remarks({ direction: 'receive-only', detour: true })).toEqual([
      'Link 1 is receive-only: what goes to it takes other links.',
    ]);
    expect(remarks({ detour: true, delivery: 'unreliable' })).toEqual([
      'Link 1 hears nothing of this node: what goes to it takes other links.',
      'Link 1 is unreliable: what is lost stays lost.',
    ]);
  });

  test('that lose much are coloured', () => {
    const paint: Paint = (style, text) => `<${style}>${text}`;
    const [link] = LINKS.links;
    expect(showLinks([{ ...link, loss: 0.099 }], paint)).toContain('  9.9 %  ');
    expect(showLinks([{ ...link, loss: 0.5 }], paint)).toContain('<yellow>50 %');
  });

  test('that are none say what to do', () => {
    expect(showLinks([], plain)).toBe('No neighbour was found, and no [[peer]] is configured.\n');
  });
});

describe('routes', () => {
  test('are tables of the session, its paths, and what this node carries', () => {
    expect(showRoutes(ROUTES, plain)).toMatchInlineSnapshot(`
      "Session with gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
      4 routes on 2 paths

      ROUTE  PATH  CLASS  STATE        RTT  IN FLIGHT      IN      OUT  LOST  RESENT
          0     1  bulk   up       24.6 ms    95.0 kB  600 MB  16.0 kB  1234    1234
          1     1  RT     up       21.2 ms    95.0 kB  600 MB  16.0 kB     4       0
          6     2  bulk   stalled        -    95.0 kB  600 MB  16.0 kB     0       0
          8     2  bulk   parked   21.2 ms    95.0 kB  600 MB  16.0 kB     0       0
      Route 8 is parked: the others carry more without it; it is tried again.

      PATH  HOPS
         1  puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1 > QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
         2  2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq > AtWiDQWLjEB4adL9GF9MNg3sdM9LrNf6YC
            > QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS

      Order: 52310 packets waited for an earlier one of the same flow, 12 now
             3 came too late to be waited for, 1 lost

      5 routes of others through this node
      Buffers: 1.20 MB in use, 12.3 MB promised, of 64.0 MB

      CLASS  FROM      TO        BUFFER       OF  ROOM       RATE  RESENT  GONE
      bulk   2Ch7Eu4A  puXMDoRW  120 kB   128 kB   0 B  4.71 Mb/s  120400    17
      RT     here      puXMDoRW     0 B  65.5 kB     -   160 kb/s       3     0
      "
    `);
  });

  test('without a session, and without a path', () => {
    expect(showRoutes({ ...ROUTES, session: null, relayed: 1, hops: [] }, plain)).toMatchInlineSnapshot(`
      "No session with a gateway.

      1 route of others through this node
      Buffers: 1.20 MB in use, 12.3 MB promised, of 64.0 MB
      "
    `);
    const empty = { ...ROUTES, session: { ...ROUTES.session!, routes: [] }, relayed: 0, hops: [] };
    expect(showRoutes(empty, plain)).toMatchInlineSnapshot(`
      "Session with gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS

      No path is known yet.

      0 routes of others through this node
      Buffers: 1.20 MB in use, 12.3 MB promised, of 64.0 MB
      "
    `);
  });

  test('are the fullest ones only where they are many', () => {
    const hops = Array.from({ length: 40 }, () => ROUTES.hops[0]);
    expect(showRoutes({ ...ROUTES, session: null, hops }, plain)).toMatch(/^and 24 more, see --json$/m);
  });
});

test('delivery of the tunnel and of each link', () => {
  expect(showDelivery(DELIVERY, plain)).toMatchInlineSnapshot(`
    "Tunnel  reliable
    Peers   puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1  150ms
            2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq  reliable
    "
  `);
  expect(showDelivery({ tunnel: null, peers: [] }, plain)).toBe('Tunnel  none\nPeers   none\n');
});

test('nothing is wider than a terminal', () => {
  const [link] = LINKS.links;
  const handshake = { ...link, state: 'handshake' as const, endpoint: '255.255.255.255:65535' };
  const wide = {
    ...handshake,
    rtt_ms: 888,
    queue_ms: 888,
    loss: 0.0088,
    last_heard_ms_ago: 9_000,
    retransmitted: 9_999_999,
  };
  const screens = [showLinks([wide, link], plain), showRoutes(ROUTES, plain), showDelivery(DELIVERY, plain)];
  for (const line of screens.join('').split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});

test('gateways in reach, the selected one marked', () => {
  const known = [
    {
      ...{ address: GATEWAY, key: KEY, service_key: SILENT_KEY, selected: true, rtt_ms: 12.5, hops: 2 },
      ...{ rate_bits_per_s: 48_000_000, country: 'DE', price: 0, uplink_bits_per_s: 1e8, load: 0.3 },
    },
    {
      ...{ address: 'x', key: SILENT_KEY, service_key: KEY, selected: false, rtt_ms: 180, hops: 10 },
      ...{ rate_bits_per_s: null, country: null, price: 120, uplink_bits_per_s: null, load: 0 },
    },
  ];
  expect(showGateway({ selected: GATEWAY, auto: false, state: 'lost', known }, plain)).toMatchInlineSnapshot(`
    "Selected  QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
    State     lost

       GATEWAY IN REACH                        RTT  HOPS       RATE  COUNTRY       PRICE    UPLINK  LOAD  KEY
    *  QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS  12.5 ms     2  48.0 Mb/s  DE             free  100 Mb/s  30 %  02abababababababababababababababababababababababababababababababab
       x                                    180 ms    10          -  -        120 sat/GB         -   0 %  03cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
    "
  `);
  expect(showGateway({ selected: 'none', auto: true, state: 'connecting', known: [] }, plain)).toMatchInlineSnapshot(`
    "Selected  none (auto)
    State     connecting

    No gateway is in reach.
    "
  `);
});

test('a ping with a gap, and one without any answer', () => {
  expect(showPing({ key: KEY, address: GATEWAY, rtts_ms: [20, null, 23] })).toMatchInlineSnapshot(`
    "Echo from QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
      1: 20.0 ms
      2: no answer
      3: 23.0 ms
    3 sent, 2 answered; least 20.0 ms, average 21.5 ms, most 23.0 ms
    "
  `);
  expect(showPing({ key: KEY, address: GATEWAY, rtts_ms: [null] })).toMatchInlineSnapshot(`
    "Echo from QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
      1: no answer
    1 sent, 0 answered
    "
  `);
});

test('colour does not move a column', () => {
  const paint: Paint = (style, text) => `<${style}>${text}</>`;
  const rows = [
    [{ text: 'up', style: 'green' as const }, '1'],
    [{ text: 'handshake', style: 'yellow' as const }, '22'],
  ];
  const columns = [{ title: 'STATE' }, { title: 'N', align: 'right' as const }];
  const uncoloured = table(columns, rows, paint).replaceAll(/<[^>]*>/g, '');
  expect(uncoloured).toBe(table(columns, rows, plain));
});

describe('the offload device in status', () => {
  const offload = {
    device: 'unix:/run/sky/offload.sock',
    state: 'up' as const,
    last_failure: null,
    failures: {},
    times_up: 1,
    sealed: 900,
    opened: 800,
    wrong_tags: 2,
    software: { down: 0, small_batch: 3, shape: 0, no_slot: 0, ring_full: 0 },
    redone: 0,
    checked: 3,
    self_tests: 2,
    keys_loaded: 8,
    key_loads: 40,
  };

  test('shows what it did and what software did', () => {
    const text = showStatus({ ...STATUS, offload }, plain);
    expect(text).toMatch(/^Offload +up: unix:\/run\/sky\/offload\.sock$/m);
    expect(text).toMatch(/sealed 900, opened 800, refused 2; in software 3$/m);
    expect(text).not.toContain('failed');
  });

  test('says how it failed, and whether it is in use again', () => {
    const broken = {
      ...offload,
      last_failure: 'damaged-data',
      failures: { 'damaged-data': 2, timeout: 1 },
      redone: 17,
    };
    expect(showStatus({ ...STATUS, offload: { ...broken, times_up: 4 } }, plain)).toContain(
      'failed 3 times, last damaged-data, 17 jobs done again; in use again (4 starts)',
    );
    expect(showStatus({ ...STATUS, offload: { ...broken, state: 'down' } }, plain)).toContain(
      '; software does its work',
    );
  });
});

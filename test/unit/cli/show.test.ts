import { describe, expect, test } from 'vitest';
import { showGateway, showPing } from '../../../src/cli/show-gateway.ts';
import { showPeers, showRoutes } from '../../../src/cli/show-links.ts';
import { showStatus } from '../../../src/cli/show-status.ts';
import { type Paint, table } from '../../../src/cli/table.ts';
import { GATEWAY, KEY, PEERS, ROUTES, SILENT_KEY, STATUS } from './sample-handlers.ts';

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

describe('peers', () => {
  test('are a table', () => {
    expect(showPeers(PEERS, plain)).toMatchInlineSnapshot(`
      "ADDRESS                              STATE  ENDPOINT            RTT       IN      OUT  REKEYS   MTU  HEARD
      puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1   up     192.0.2.7:6969  12.3 ms  1.20 GB  33.0 kB      40  1472  just now
      2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq  down   -                     -      0 B    658 B       0  1200  never
      "
    `);
  });

  test('that are none say what to do', () => {
    expect(showPeers({ peers: [] }, plain)).toBe('No peers. Add a [[peer]] to the configuration.\n');
  });
});

describe('routes', () => {
  test('are a table with their paths', () => {
    expect(showRoutes(ROUTES, plain)).toMatchInlineSnapshot(`
      "Session with gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS, 2 routes

      ROUTE  STATE        RTT   WINDOW  IN FLIGHT      IN      OUT  LOST  RESENT  PATH
          0  up       24.6 ms   180 kB    95.0 kB  600 MB  16.0 kB     4       4  puXMDoRWFXNWJxRugZgoPUmTGiWMKJe6f1 > QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
          3  stalled        -  3.00 kB        0 B     0 B      0 B     0       0  2Ch7Eu4AP6LQNyoBkgYVmivm3mfeJZwyTpq > QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS

      5 routes of others through this node
      "
    `);
  });

  test('without a session, and without a path', () => {
    expect(showRoutes({ session: null, relayed: 1 }, plain)).toMatchInlineSnapshot(`
      "No session with a gateway.
      1 route of others through this node
      "
    `);
    expect(showRoutes({ session: { gateway: GATEWAY, routes: [] }, relayed: 0 }, plain)).toMatchInlineSnapshot(`
      "Session with gateway QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS, 0 routes

      No path is known yet.
      0 routes of others through this node
      "
    `);
  });
});

test('gateways in reach, the selected one marked', () => {
  const known = [
    { address: GATEWAY, key: KEY, service_key: SILENT_KEY, selected: true },
    { address: 'x', key: SILENT_KEY, service_key: KEY, selected: false },
  ];
  expect(showGateway({ selected: GATEWAY, state: 'lost', known }, plain)).toMatchInlineSnapshot(`
    "Selected  QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS
    State     lost

       GATEWAY IN REACH                    KEY
    *  QeGi28ogsB1ZjpwByrB4jQUKghpkkJFBhS  02abababababababababababababababababababababababababababababababab
       x                                   03cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd
    "
  `);
  expect(showGateway({ selected: 'none', state: 'off', known: [] }, plain)).toMatchInlineSnapshot(`
    "Selected  none
    State     off

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

/**
 * What a person reads when a socket or the TUN device can't be opened. Both data paths meet the same errno names, so
 * the sentences are written once.
 */
import { Failure } from './failure.ts';

const ROOT_REMEDY = 'run as root, or give the program CAP_NET_ADMIN and CAP_NET_BIND_SERVICE';

/** `code` is an errno name such as EADDRINUSE, or undefined. */
export function listenFailure(
  transport: 'udp' | 'tcp',
  code: string | undefined,
  address: string,
  port: number,
): Failure {
  const where = `${transport.toUpperCase()} ${address} port ${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new Failure(
        'address-in-use',
        `${where} is in use by another program`,
        `stop it (\`ss -${transport[0]}lpn\` names it) or change [listen] ${transport}`,
      );
    case 'EACCES':
    case 'EPERM':
      return new Failure('not-permitted', `no permission to listen on ${where}`, ROOT_REMEDY);
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return new Failure(
        'config-invalid',
        `${where}: no interface has this address`,
        'use an address that `ip address` lists, or 0.0.0.0 or [::] for all',
      );
    case 'EAFNOSUPPORT':
      return new Failure(
        'config-invalid',
        `${where}: this system has no such address family`,
        `remove the address from [listen] ${transport}`,
      );
    case 'EINVAL':
      return new Failure('config-invalid', `${where}: not an IP address`, 'write an IP literal, not a name');
    case 'EMFILE':
      return new Failure(
        'config-invalid',
        `${where}: too many listen addresses`,
        'listen on fewer, or on 0.0.0.0 and [::]',
      );
    default:
      return new Failure('failed', `cannot listen on ${where}: ${code ?? 'unknown error'}`, 'see the error name');
  }
}

/** `detail` is whatever else is known, such as a tool's own message. */
export function tunFailure(code: string | undefined, name: string, detail = ''): Failure {
  const suffix = detail === '' ? '' : ` (${detail})`;
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return new Failure(
        'tun-unavailable',
        `this system has no TUN device: /dev/net/tun cannot be opened${suffix}`,
        'load the driver with `modprobe tun`; in a container, pass /dev/net/tun in',
      );
    case 'EPERM':
    case 'EACCES':
      return new Failure('not-permitted', `no permission to open the TUN device ${name}${suffix}`, ROOT_REMEDY);
    case 'EBUSY':
      return new Failure(
        'tun-unavailable',
        `the TUN device ${name} is held by another program${suffix}`,
        'stop the other daemon, or give this one another device name',
      );
    default:
      return new Failure(
        'tun-unavailable',
        `the TUN device ${name} failed: ${code ?? 'unknown error'}${suffix}`,
        'check with `ip tuntap` that no other kind of device has this name; if /dev/net/tun is missing, `modprobe tun`',
      );
  }
}

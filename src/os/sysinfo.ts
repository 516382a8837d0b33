/** What `skywire status` tells of the process. */
export interface SystemInfo {
  readonly residentBytes: number;
  readonly uptimeSeconds: number;
  readonly pid: number;
  readonly node: string;
  readonly openssl: string;
  readonly arch: string;
}

export function systemInfo(): SystemInfo {
  return {
    residentBytes: process.memoryUsage.rss(),
    uptimeSeconds: process.uptime(),
    pid: process.pid,
    node: process.versions.node,
    openssl: process.versions.openssl,
    arch: process.arch,
  };
}

/** Datagrams and bytes of UDP payload that one neighbour's sessions sent and received, for `status`. */
export class Traffic {
  sentDatagrams = 0;
  sentBytes = 0;
  receivedDatagrams = 0;
  receivedBytes = 0;

  /** `count` datagrams of `bytes` each. */
  sent(bytes: number, count: number): void {
    this.sentDatagrams += count;
    this.sentBytes += count * bytes;
  }

  received(bytes: number): void {
    this.receivedDatagrams += 1;
    this.receivedBytes += bytes;
  }
}

/** Datagrams and bytes of UDP payload that one neighbour's sessions sent and received, for `status`. */
export class Traffic {
  sentDatagrams = 0;
  sentBytes = 0;
  receivedDatagrams = 0;
  receivedBytes = 0;

  sent(bytes: number): void {
    this.sentDatagrams += 1;
    this.sentBytes += bytes;
  }

  received(bytes: number): void {
    this.receivedDatagrams += 1;
    this.receivedBytes += bytes;
  }
}

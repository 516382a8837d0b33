// Streams `words` words out of a memory that answers two clocks after its address, then, with `with_tag`, the tag.
// Reads run ahead of the receiver by what the queue behind them holds.
module read_out #(
    parameter int ADDRESS_BITS = 7
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    start,
    input  logic [ADDRESS_BITS:0]   words,
    input  logic                    with_tag,
    input  logic [127:0]            tag,       // until busy is over
    output logic                    busy,      // from the clock after start until the last word was handed to the queue
    output logic [ADDRESS_BITS-1:0] address,
    input  logic [127:0]            data,
    output logic                    out_valid,
    input  logic                    out_ready,
    output logic [127:0]            out_word
);
  // From asking for a word to the receiver's taking it are three clocks: more than four words keep the stream unbroken.
  localparam int QUEUE_LOG2 = 3;
  logic [ADDRESS_BITS:0] left;          // words of text; beside it, what is to be known at once
  logic text_left, one_left, tag_left;  // left is not 0; it is 1; the tag is still to come
  logic coming, coming_tag, arriving, arriving_tag;
  logic [QUEUE_LOG2:0] promised;  // words asked for that the receiver has not taken
  wire room = !promised[QUEUE_LOG2];
  wire more = text_left || tag_left;
  wire ask = more && room;
  assign busy = more || coming || arriving;

  always_ff @(posedge clk) begin
    if (rst) begin
      text_left <= 1'b0;
      tag_left  <= 1'b0;
      coming    <= 1'b0;
      arriving  <= 1'b0;
      promised  <= '0;
    end else begin
      coming   <= ask;
      arriving <= coming;
      promised <= promised + (QUEUE_LOG2 + 1)'(ask) - (QUEUE_LOG2 + 1)'(out_valid && out_ready);
      if (start) begin
        text_left <= words != '0;
        tag_left  <= with_tag;
      end else if (ask) begin
        if (text_left) text_left <= !one_left;
        else tag_left <= 1'b0;
      end
    end
    if (start) begin
      left     <= words;
      one_left <= words == (ADDRESS_BITS + 1)'(1);
    end else if (ask) begin
      left     <= left - 1'b1;
      one_left <= left == (ADDRESS_BITS + 1)'(2);
    end
    coming_tag   <= !text_left;
    arriving_tag <= coming_tag;
    if (start) address <= '0;
    else if (ask) address <= address + 1'b1;
  end

  /* verilator lint_off UNUSEDSIGNAL */
  wire queue_ready;  // always, when a word arrives: room was promised
  /* verilator lint_on UNUSEDSIGNAL */
  stream_fifo #(
      .WIDTH(128),
      .DEPTH_LOG2(QUEUE_LOG2)
  ) queue (
      .clk,
      .rst,
      .in_valid(arriving),
      .in_ready(queue_ready),
      .in_data(arriving_tag ? tag : data),
      .out_valid,
      .out_ready,
      .out_data(out_word)
  );

`ifdef FORMAL
  // No word is read for which the queue has no room.
  initial assume (!text_left && !tag_left && !coming && !arriving && promised == '0);
  always_comb if (arriving) assert (queue_ready);
`endif
endmodule

// A queue's way in: fetches descriptors from the submission ring, checks them, hands jobs to the cipher engine and their
// words behind them. Owns the read half of the queue's AXI4 port (one ID, so data comes in the order of the requests).
//
//   one descriptor is asked for or held here at a time, while the words of the job before are still coming in
//   a job goes to the engine first, which then has room for it, and only then its words are asked for
//
// Bursts end at multiples of 1 KiB and so never cross 4 KiB (AXI4 A3.4.1).
module descriptor_reader #(
    parameter int SLOTS_LOG2 = 8,
    parameter int BYTES_BITS = 12,  // of the length of the longest text
    parameter int LONGEST = 2048
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  run,
    input  logic                  halt,           // ask for nothing more
    output logic                  quiet,          // nothing asked for is still to come
    output logic                  bus_error,      // in the clock of a refused read
    input  logic [63:0]           ring_base,
    input  logic [3:0]            ring_log2,
    input  logic [15:0]           tail,
    output logic [15:0]           head,
    input  logic                  key_write,
    input  logic [SLOTS_LOG2-1:0] key_write_slot,
    input  logic                  key_write_used,
    input  logic [23:0]           key_write_generation,
    input  logic [255:0]          key_write_key,
    // To the engine.
    output logic                  job_valid,
    input  logic                  job_ready,
    output logic                  job_open,
    output logic [255:0]          job_key,
    output logic [95:0]           job_nonce,
    output logic [127:0]          job_associated,
    output logic [4:0]            job_associated_bytes,
    output logic [BYTES_BITS-1:0] job_bytes,
    output logic [95:0]           job_user,       // destination, cookie
    output logic [31:0]           job_check,
    output logic                  word_valid,
    input  logic                  word_ready,
    output logic [127:0]          word,
    // Descriptors that are refused, to the writer.
    output logic                  refused_valid,
    input  logic                  refused_ready,
    output logic [31:0]           refused_cookie,
    output logic [31:0]           refused_check,
    output logic [7:0]            refused_status,
    // AXI4 read channels.
    output logic                  axi_arvalid,
    input  logic                  axi_arready,
    output logic [63:0]           axi_araddr,
    output logic [7:0]            axi_arlen,
    input  logic                  axi_rvalid,
    output logic                  axi_rready,
    input  logic [127:0]          axi_rdata,
    input  logic [1:0]            axi_rresp,
    input  logic                  axi_rlast
);
  localparam int WORDS = BYTES_BITS - 3;  // bits of a number of words, the tag's among them
  localparam int BURST_WORDS = 64;

  function automatic logic [31:0] fold(input logic [127:0] value);
    fold = value[31:0] ^ value[63:32] ^ value[95:64] ^ value[127:96];
  endfunction

  // ---- The descriptor: EMPTY -> ASKED -> (four words) -> LOOK_UP -> CHECK -> COMPARE -> JUDGE -> OFFER or REFUSE -> EMPTY.
  localparam logic [2:0] EMPTY = 3'd0, ASKED = 3'd1, LOOK_UP = 3'd2, CHECK = 3'd3, JUDGE = 3'd4, OFFER = 3'd5, REFUSE = 3'd6;
  localparam logic [2:0] COMPARE = 3'd7;
  logic [2:0] phase;
  logic [511:0] descriptor;
  logic [31:0] check;
  logic [1:0] words_come;
  logic [3:0] wrong;  // operation, length, length of the associated data, addresses
  wire job_taken = job_valid && job_ready;
  wire [63:0] source = descriptor[8*offload_pkg::DESCRIPTOR_SOURCE+:64];
  wire [63:0] destination = descriptor[8*offload_pkg::DESCRIPTOR_DESTINATION+:64];
  wire [31:0] length = descriptor[8*offload_pkg::DESCRIPTOR_LENGTH+:32];
  wire [7:0] operation = descriptor[8*offload_pkg::DESCRIPTOR_OPERATION+:8];
  wire [7:0] associated_length = descriptor[8*offload_pkg::DESCRIPTOR_ASSOCIATED_LENGTH+:8];
  wire [127:0] associated = descriptor[8*offload_pkg::DESCRIPTOR_ASSOCIATED+:128];
  wire key_right;
  logic [WORDS-1:0] job_words;  // with the tag of an opening job
  key_store #(
      .SLOTS_LOG2(SLOTS_LOG2)
  ) keys (
      .clk,
      .write(key_write),
      .write_slot(key_write_slot),
      .write_used(key_write_used),
      .write_generation(key_write_generation),
      .write_key(key_write_key),
      .slot(descriptor[8*offload_pkg::DESCRIPTOR_KEY_HANDLE+:8]),
      .generation(descriptor[8*offload_pkg::DESCRIPTOR_KEY_HANDLE+8+:24]),
      .take(phase == CHECK),
      .right(key_right),
      .key(job_key)
  );

  // ---- The words of a job still to be asked for. A burst is planned in two clocks, to keep its arithmetic short:
  // how far it is to the boundary, then how many words it takes.
  localparam logic [1:0] NOTHING = 2'd0, MEASURE = 2'd1, PLAN = 2'd2, ASK = 2'd3;
  logic [1:0] plan;
  logic [63:0] next_address;
  logic [WORDS-1:0] words_left;
  logic [6:0] to_boundary, burst;

  // ---- What the reads under way are: descriptors or words.
  localparam int ORDER_LOG2 = 3;
  wire order_ready, order_descriptor, order_valid;
  wire burst_ends = axi_rvalid && axi_rready && axi_rlast;
  logic more;  // descriptors in the ring that may be taken; a clock old, and no descriptor is asked for in the clock after another
  logic [63:0] descriptor_address;
  logic [15:0] ring_mask;
  wire want_descriptor = phase == EMPTY && more;
  logic may_ask;  // a clock old, and false in the clock behind a request
  logic asking_descriptor;
  wire ask = axi_arvalid && axi_arready;
  stream_fifo #(
      .WIDTH(1),
      .DEPTH_LOG2(ORDER_LOG2)
  ) order (
      .clk,
      .rst,
      .in_valid(ask),
      .in_ready(order_ready),
      .in_data(asking_descriptor),
      .out_valid(order_valid),
      .out_ready(burst_ends),
      .out_data(order_descriptor)
  );
  assign quiet = !order_valid && !axi_arvalid;

  assign word_valid = axi_rvalid && order_valid && !order_descriptor;
  assign word       = axi_rdata;
  assign axi_rready = order_valid && (order_descriptor || word_ready);
  assign bus_error  = axi_rvalid && axi_rready && axi_rresp[1];

  integer b;
  always_ff @(posedge clk) begin
    if (rst) begin
      phase       <= EMPTY;
      head        <= '0;
      plan        <= NOTHING;
      axi_arvalid <= 1'b0;
      job_valid   <= 1'b0;
    end else begin
      // Requests, one at a time: a descriptor before words, because it is short and its answer is waited for.
      if (ask) axi_arvalid <= 1'b0;
      else if (!axi_arvalid && may_ask) begin
        if (want_descriptor) begin
          axi_arvalid       <= 1'b1;
          asking_descriptor <= 1'b1;
          axi_araddr        <= descriptor_address;
          axi_arlen         <= 8'd3;
          phase             <= ASKED;
          head              <= head + 16'd1;
          words_come        <= '0;
          check             <= '0;
        end else if (plan == ASK) begin
          axi_arvalid       <= 1'b1;
          asking_descriptor <= 1'b0;
          axi_araddr        <= next_address;
          axi_arlen         <= {1'b0, burst} - 8'd1;
          words_left        <= words_left - WORDS'(burst);
          next_address      <= {next_address[63:10] + 54'd1, 10'd0};
          plan              <= MEASURE;
        end
      end
      if (plan == MEASURE) plan <= words_left == '0 ? NOTHING : PLAN;
      if (plan == PLAN) plan <= ASK;

      if (axi_rvalid && axi_rready && order_descriptor) begin
        descriptor <= {axi_rdata, descriptor[511:128]};
        check      <= check ^ fold(axi_rdata);
        words_come <= words_come + 2'd1;
        if (words_come == 2'd3) phase <= LOOK_UP;
      end
      if (phase == LOOK_UP) phase <= CHECK;
      if (phase == CHECK) phase <= COMPARE;
      if (phase == COMPARE) phase <= JUDGE;
      if (phase == JUDGE) phase <= refused_status == 8'(offload_pkg::STATUS_OK) && key_right ? OFFER : REFUSE;
      // The words of the job before have all been asked for when a new one is offered.
      job_valid <= phase == OFFER && plan == NOTHING && !job_taken;
      if (job_taken) begin
        phase        <= EMPTY;
        next_address <= source;
        words_left   <= job_words;
        plan         <= MEASURE;
      end
      if (phase == REFUSE && refused_ready) phase <= EMPTY;
    end

    more               <= run && head != tail;
    may_ask            <= order_ready && !halt && !ask;
    ring_mask          <= (16'd1 << ring_log2) - 16'd1;
    descriptor_address <= ring_base + {42'd0, head & ring_mask, 6'd0};
    to_boundary        <= 7'(BURST_WORDS) - {1'b0, next_address[9:4]};
    if (plan == PLAN) burst <= words_left < WORDS'(to_boundary) ? words_left[6:0] : to_boundary;
    job_words          <= rounded[BYTES_BITS:4] + WORDS'(job_open);

    // LOOK_UP: everything about a descriptor but its key, which the store compares in
    // COMPARE. CHECK: the sum of it.
    if (phase == CHECK)
      refused_status <= wrong != '0 ? 8'(offload_pkg::STATUS_BAD_DESCRIPTOR) : 8'(offload_pkg::STATUS_OK);
    if (phase == LOOK_UP) begin
      wrong <= {
        operation != 8'(offload_pkg::OPERATION_SEAL) && operation != 8'(offload_pkg::OPERATION_OPEN),
        length > 32'(LONGEST),
        associated_length > 8'd16,
        source[3:0] != 4'd0 || destination[3:0] != 4'd0
      };
      job_open             <= operation == 8'(offload_pkg::OPERATION_OPEN);
      job_bytes            <= length[BYTES_BITS-1:0];
      job_associated_bytes <= associated_length[4:0];
      for (b = 0; b < 16; b++) job_associated[8*b+:8] <= 8'(b) < associated_length ? associated[8*b+:8] : 8'd0;
    end
    if (phase == JUDGE && refused_status == 8'(offload_pkg::STATUS_OK) && !key_right) refused_status <= 8'(offload_pkg::STATUS_BAD_KEY);
  end
  wire [BYTES_BITS:0] rounded = {1'b0, job_bytes} + (BYTES_BITS + 1)'(15);

  assign job_nonce      = descriptor[8*offload_pkg::DESCRIPTOR_NONCE+:96];
  assign job_user       = {destination, refused_cookie};
  assign job_check      = check;
  assign refused_valid  = phase == REFUSE;
  assign refused_cookie = descriptor[8*offload_pkg::DESCRIPTOR_COOKIE+:32];
  assign refused_check  = check;

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, rounded[3:0], descriptor[8*offload_pkg::DESCRIPTOR_SPARE+:48], axi_rresp[0]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

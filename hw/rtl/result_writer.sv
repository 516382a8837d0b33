// A queue's way out: writes results to their destination and, when the bus has confirmed those, the completion to the
// completion ring. Owns the write half of the queue's AXI4 port. While a result's confirmation is awaited the next result
// is already written.
module result_writer #(
    parameter int WORDS = 9  // bits of the number of words of a result
) (
    input  logic             clk,
    input  logic             rst,
    input  logic             halt,              // begin no burst
    output logic             quiet,             // every burst that was begun is confirmed
    output logic             bus_error,
    input  logic [15:0]      epoch,
    input  logic [63:0]      ring_base,
    input  logic [3:0]       ring_log2,
    output logic [15:0]      done,              // completions in memory
    output logic             done_event,
    output logic             ok_event,
    output logic             wrong_tag_event,
    // From the engine.
    input  logic             result_valid,
    output logic             result_ready,
    input  logic             result_ok,
    input  logic [95:0]      result_user,
    input  logic [31:0]      result_check,
    input  logic [WORDS-1:0] result_words,
    input  logic             out_valid,
    output logic             out_ready,
    input  logic [127:0]     out_word,
    // From the reader.
    input  logic             refused_valid,
    output logic             refused_ready,
    input  logic [31:0]      refused_cookie,
    input  logic [31:0]      refused_check,
    input  logic [7:0]       refused_status,
    // AXI4 write channels.
    output logic             axi_awvalid,
    input  logic             axi_awready,
    output logic [63:0]      axi_awaddr,
    output logic [7:0]       axi_awlen,
    output logic             axi_wvalid,
    input  logic             axi_wready,
    output logic [127:0]     axi_wdata,
    output logic             axi_wlast,
    input  logic             axi_bvalid,
    output logic             axi_bready,
    input  logic [1:0]       axi_bresp
);
  localparam int BURST_WORDS = 64;

  function automatic logic [31:0] fold(input logic [127:0] value);
    fold = value[31:0] ^ value[63:32] ^ value[95:64] ^ value[127:96];
  endfunction

  // ---- Completions that wait: for the confirmation of their result's last burst, or, without a result, for their turn.
  localparam int WAITING_LOG2 = 3;
  logic note_valid, note_bare;
  logic [103:0] note;  // check_out, check_in, status, cookie
  wire note_ready, waiting, waiting_bare;
  wire [103:0] waiting_note;
  logic [WAITING_LOG2+1:0] confirmed;  // results confirmed whose completion has not been begun
  wire begin_completion;
  stream_fifo #(
      .WIDTH(105),
      .DEPTH_LOG2(WAITING_LOG2)
  ) notes (
      .clk,
      .rst,
      .in_valid(note_valid),
      .in_ready(note_ready),
      .in_data({note_bare, note}),
      .out_valid(waiting),
      .out_ready(begin_completion),
      .out_data({waiting_bare, waiting_note})
  );

  // ---- What the bursts under way are. 0: some burst of a result, 1: its last, 2: a completion.
  localparam int ORDER_LOG2 = 4;
  localparam logic [1:0] PART = 2'd0, LAST = 2'd1, COMPLETION = 2'd2;
  logic [1:0] kind;
  wire order_ready, order_valid;
  wire [1:0] order_kind;
  wire address_taken = axi_awvalid && axi_awready;
  wire answered = axi_bvalid && axi_bready;
  stream_fifo #(
      .WIDTH(2),
      .DEPTH_LOG2(ORDER_LOG2)
  ) order (
      .clk,
      .rst,
      .in_valid(address_taken),
      .in_ready(order_ready),
      .in_data(kind),
      .out_valid(order_valid),
      .out_ready(answered),
      .out_data(order_kind)
  );
  assign axi_bready = order_valid;
  assign bus_error  = answered && axi_bresp[1];

  // ---- IDLE -> (MEASURE -> COMPARE -> PLAN -> PREPARE -> ADDRESS -> DATA) once for each burst -> NOTE -> IDLE, and IDLE -> ADDRESS ->
  // DATA -> IDLE for a completion. MEASURE: how far it is to the boundary; COMPARE: whether that will do; PLAN: how many
  // words the burst takes; PREPARE: what is left behind it.
  localparam logic [2:0] IDLE = 3'd0, MEASURE = 3'd1, COMPARE = 3'd2, PLAN = 3'd3, PREPARE = 3'd4, ADDRESS = 3'd5, DATA = 3'd6;
  localparam logic [2:0] NOTE = 3'd7;
  logic [2:0] phase;
  logic writing_completion;
  logic [63:0] next_address;
  logic [WORDS-1:0] words_left;
  logic [6:0] burst_left;
  logic [31:0] cookie, check_in, check_out;
  logic [7:0] status;
  logic [127:0] completion;
  logic [15:0] begun;  // completions
  // A clock old, and false in the clock behind the one in which it was acted on.
  logic completion_due;
  logic broken;  // the bus refused a burst: the page's `halt` comes some clocks later, and no completion may be written until then
  logic [15:0] ring_mask;
  logic [63:0] completion_address;
  logic [6:0] to_boundary;
  logic fits;
  assign begin_completion = phase == IDLE && !halt && completion_due;
  assign result_ready     = phase == IDLE && !halt && !begin_completion;
  assign refused_ready    = result_ready && !result_valid;
  assign quiet            = !order_valid && phase != ADDRESS && phase != DATA;
  assign axi_awvalid      = phase == ADDRESS && order_ready;
  assign axi_wvalid       = phase == DATA && (writing_completion || out_valid);
  assign axi_wdata        = writing_completion ? completion : out_word;
  assign axi_wlast        = burst_left == 7'd1;
  assign out_ready        = phase == DATA && !writing_completion && axi_wready;
  wire word_taken = axi_wvalid && axi_wready;
  assign note_valid       = phase == NOTE;
  assign note             = {check_out, check_in, status, cookie};
  wire [7:0] phase_byte = {7'd0, ~begun[ring_log2]};
  assign done_event       = answered && order_kind == COMPLETION;

  always_ff @(posedge clk) begin
    ok_event        <= 1'b0;
    wrong_tag_event <= 1'b0;
    if (rst) begin
      phase     <= IDLE;
      done      <= '0;
      begun     <= '0;
      confirmed <= '0;
      broken    <= 1'b0;
    end else begin
      if (bus_error) broken <= 1'b1;
      if (done_event) done <= done + 16'd1;
      confirmed <= confirmed + (WAITING_LOG2 + 2)'(answered && order_kind == LAST) -
                   (WAITING_LOG2 + 2)'(begin_completion && !waiting_bare);
      case (phase)
        IDLE:
        if (begin_completion) begin
          phase <= ADDRESS;
          begun <= begun + 16'd1;
        end else if (result_valid && result_ready) begin
          phase           <= result_words == '0 ? NOTE : MEASURE;
          ok_event        <= result_ok;
          wrong_tag_event <= !result_ok;
        end else if (refused_valid && refused_ready) phase <= NOTE;
        MEASURE: phase <= COMPARE;
        COMPARE: phase <= PLAN;
        PLAN: phase <= PREPARE;
        PREPARE: if (!halt) phase <= ADDRESS;
        ADDRESS: if (address_taken) phase <= DATA;
        DATA:
        if (word_taken && axi_wlast)
          phase <= writing_completion ? IDLE : (words_left == '0 ? NOTE : MEASURE);
        default: if (note_ready) phase <= IDLE;
      endcase
    end

    if (begin_completion) begin
      writing_completion <= 1'b1;
      kind               <= COMPLETION;
      axi_awaddr         <= completion_address;
      axi_awlen          <= 8'd0;
      burst_left         <= 7'd1;
      completion         <= {epoch, phase_byte, waiting_note[39:32], waiting_note[103:40], waiting_note[31:0]};
    end else if (phase == IDLE) begin
      writing_completion <= 1'b0;
      check_out          <= '0;
      note_bare          <= !result_valid || result_words == '0;
      next_address       <= result_user[95:32];
      words_left         <= result_words;
      cookie             <= result_valid ? result_user[31:0] : refused_cookie;
      check_in           <= result_valid ? result_check : refused_check;
      status             <= !result_valid ? refused_status : (result_ok ? 8'(offload_pkg::STATUS_OK) : 8'(offload_pkg::STATUS_WRONG_TAG));
    end
    ring_mask          <= (16'd1 << ring_log2) - 16'd1;
    completion_address <= ring_base + {44'd0, begun & ring_mask, 4'd0};
    completion_due     <= !begin_completion && !broken && waiting && (waiting_bare || confirmed != '0);
    to_boundary        <= 7'(BURST_WORDS) - {1'b0, next_address[9:4]};
    fits               <= words_left <= WORDS'(to_boundary);
    if (phase == PLAN) begin
      kind       <= fits ? LAST : PART;
      burst_left <= fits ? words_left[6:0] : to_boundary;
    end
    if (phase == PREPARE && !halt) begin
      axi_awaddr   <= next_address;
      axi_awlen    <= {1'b0, burst_left} - 8'd1;
      words_left   <= words_left - WORDS'(burst_left);
      next_address <= {next_address[63:10] + 54'd1, 10'd0};
    end
    if (word_taken) begin
      burst_left <= burst_left - 7'd1;
      if (!writing_completion) check_out <= check_out ^ fold(out_word);
    end
  end

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, axi_bresp[0]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

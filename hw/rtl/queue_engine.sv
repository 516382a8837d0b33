// One queue: its rings, its cipher engine, its AXI4 port. BARREL chooses the fast engine, for texts of up to 2048 bytes;
// otherwise the small one, for texts of up to 2^HOLD_LOG2 words.
module queue_engine #(
    parameter int BARREL = 1,
    parameter int HOLD_LOG2 = 12,
    parameter int SLOTS_LOG2 = 8
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  run,
    input  logic                  halt,
    output logic                  idle,
    output logic                  quiet,
    output logic                  bus_error,
    input  logic [15:0]           epoch,
    input  logic [63:0]           submit_base,
    input  logic [63:0]           complete_base,
    input  logic [3:0]            ring_log2,
    input  logic [15:0]           tail,
    output logic [15:0]           head,
    output logic [15:0]           done,
    output logic                  done_event,
    output logic                  ok_event,
    output logic                  wrong_tag_event,
    output logic                  bad_key_event,
    output logic                  bad_descriptor_event,
    input  logic                  key_write,
    input  logic [SLOTS_LOG2-1:0] key_write_slot,
    input  logic                  key_write_used,
    input  logic [23:0]           key_write_generation,
    input  logic [255:0]          key_write_key,
    output logic                  axi_arvalid,
    input  logic                  axi_arready,
    output logic [63:0]           axi_araddr,
    output logic [7:0]            axi_arlen,
    input  logic                  axi_rvalid,
    output logic                  axi_rready,
    input  logic [127:0]          axi_rdata,
    input  logic [1:0]            axi_rresp,
    input  logic                  axi_rlast,
    output logic                  axi_awvalid,
    input  logic                  axi_awready,
    output logic [63:0]           axi_awaddr,
    output logic [7:0]            axi_awlen,
    output logic                  axi_wvalid,
    input  logic                  axi_wready,
    output logic [127:0]          axi_wdata,
    output logic                  axi_wlast,
    input  logic                  axi_bvalid,
    output logic                  axi_bready,
    input  logic [1:0]            axi_bresp
);
  localparam int USER_BITS = 96;
  localparam int WORDS_LOG2 = BARREL != 0 ? 7 : HOLD_LOG2;
  localparam int BYTES_BITS = WORDS_LOG2 + 5;

  wire job_valid, job_ready, job_open, word_valid, word_ready, refused_valid, refused_ready;
  wire result_valid, result_ready, result_ok, out_valid, out_ready, read_error, write_error, reader_quiet, writer_quiet;
  wire [255:0] job_key;
  wire [95:0] job_nonce;
  wire [127:0] job_associated, word, out_word;
  wire [4:0] job_associated_bytes;
  wire [BYTES_BITS-1:0] job_bytes;
  wire [USER_BITS-1:0] job_user, result_user;
  wire [31:0] job_check, result_check, refused_cookie, refused_check;
  wire [7:0] refused_status;
  wire [WORDS_LOG2+1:0] result_words;
  assign quiet = reader_quiet && writer_quiet;
  assign idle  = head == done;

  // The register page may lie far away: what it says and hears is held here for a clock.
  logic rst_here, run_here, halt_here;
  wire refused = refused_valid && refused_ready;
  always_ff @(posedge clk) begin
    rst_here             <= rst;
    run_here             <= run;
    halt_here            <= halt;
    bus_error            <= !rst && (read_error || write_error);
    bad_key_event        <= refused && refused_status == 8'(offload_pkg::STATUS_BAD_KEY);
    bad_descriptor_event <= refused && refused_status == 8'(offload_pkg::STATUS_BAD_DESCRIPTOR);
  end

  descriptor_reader #(
      .SLOTS_LOG2(SLOTS_LOG2),
      .BYTES_BITS(BYTES_BITS),
      .LONGEST(16 << WORDS_LOG2)
  ) reader (
      .rst(rst_here),
      .run(run_here),
      .halt(halt_here),
      .quiet(reader_quiet),
      .bus_error(read_error),
      .ring_base(submit_base),
      .*
  );

  generate
    if (BARREL != 0) begin : quick
      aead_barrel #(.USER_BITS(USER_BITS)) engine (
          .rst(rst_here),
          .*
      );
    end else begin : compact
      aead_serial #(.USER_BITS(USER_BITS), .HOLD_LOG2(HOLD_LOG2)) engine (
          .rst(rst_here),
          .*
      );
    end
  endgenerate

  result_writer #(
      .WORDS(WORDS_LOG2 + 2)
  ) writer (
      .rst(rst_here),
      .halt(halt_here),
      .quiet(writer_quiet),
      .bus_error(write_error),
      .ring_base(complete_base),
      .*
  );
endmodule

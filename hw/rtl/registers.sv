// The register page behind AXI4-Lite, and what it starts: key commands, resets, interrupts.
//
// A reset lets the bus transactions of all queues end, but waits no longer than 2^RESET_WAIT_LOG2 clocks for them, then
// holds every queue in reset while it wipes the key slots one a clock.
module registers #(
    parameter int QUEUES = 1,
    parameter int SLOTS_LOG2 = 8,
    parameter int RING_LOG2_MAX = 10,
    parameter logic [7:0] BARREL_QUEUES = 8'd1,
    parameter int HOLD_LOG2 = 12,
    parameter int PATIENCE_US = 2000,
    parameter int RESET_WAIT_LOG2 = 16
) (
    input  logic                  clk,
    input  logic                  rst,
    // AXI4-Lite.
    input  logic                  awvalid,
    output logic                  awready,
    input  logic [11:0]           awaddr,
    input  logic                  wvalid,
    output logic                  wready,
    input  logic [31:0]           wdata,
    output logic                  bvalid,
    input  logic                  bready,
    input  logic                  arvalid,
    output logic                  arready,
    input  logic [11:0]           araddr,
    output logic                  rvalid,
    input  logic                  rready,
    output logic [31:0]           rdata,
    output logic                  irq,
    // To and from the queues.
    output logic                  queue_rst,
    output logic                  run,
    output logic                  halt,
    output logic [15:0]           epoch,
    output logic [QUEUES*64-1:0]  submit_base,
    output logic [QUEUES*64-1:0]  complete_base,
    output logic [QUEUES*4-1:0]   ring_log2,
    output logic [QUEUES*16-1:0]  tail,
    input  logic [QUEUES*16-1:0]  head,
    input  logic [QUEUES*16-1:0]  done,
    input  logic [QUEUES-1:0]     idle,
    input  logic [QUEUES-1:0]     quiet,
    input  logic [QUEUES-1:0]     bus_error,
    input  logic [QUEUES-1:0]     done_event,
    input  logic [QUEUES-1:0]     ok_event,
    input  logic [QUEUES-1:0]     wrong_tag_event,
    input  logic [QUEUES-1:0]     bad_key_event,
    input  logic [QUEUES-1:0]     bad_descriptor_event,
    output logic                  key_write,
    output logic [SLOTS_LOG2-1:0] key_write_slot,
    output logic                  key_write_used,
    output logic [23:0]           key_write_generation,
    output logic [255:0]          key_write_key
);
  localparam logic [7:0] ALL_QUEUES = 8'((9'd1 << QUEUES) - 9'd1);
  localparam int LAST_REGISTER = 'h40 * QUEUES + 'h100;

  // ---- AXI4-Lite: one write and one read at a time.
  wire write = awvalid && wvalid && !bvalid;
  assign awready = write;
  assign wready  = write;
  // A read takes a clock to choose the register and one to fetch it.
  logic reading;
  wire read = arvalid && !reading && !rvalid;
  assign arready = read;
  wire [11:0] write_at = {awaddr[11:2], 2'd0};
  logic [11:0] read_at;
  wire write_queue = write_at >= 12'h100 && write_at < 12'(LAST_REGISTER);
  wire read_queue = read_at >= 12'h100 && read_at < 12'(LAST_REGISTER);
  wire write_window = write_at >= offload_pkg::REG_KEY_WINDOW && write_at < offload_pkg::REG_KEY_WINDOW + 12'd32;
  wire [11:0] write_field = {6'b000100, write_at[5:0]};
  wire [11:0] read_field = {6'b000100, read_at[5:0]};

  // ---- Reset: 0 none, 1 waiting for the bus, 2 wiping.
  logic [1:0] reset_phase;
  logic [RESET_WAIT_LOG2:0] reset_count;
  logic failed;
  assign halt      = reset_phase != 2'd0 || failed;
  assign queue_rst = reset_phase == 2'd2;

  // ---- State that is written.
  logic [31:0] key_handle;
  logic [255:0] key_window;
  logic [1:0] key_command;
  logic [QUEUES-1:0] irq_mask, irq_pending;
  logic [7:0] irq_coalesce;
  logic [31:0] jobs, wrong_tags, bad_keys, bad_descriptors;
  logic [39:0] clocks;
  logic [QUEUES*8-1:0] uncounted;  // completions since the last interrupt of each queue
  assign irq = (irq_mask & irq_pending) != '0;

  integer q;
  always_ff @(posedge clk) begin
    clocks    <= rst ? '0 : clocks + 40'd1;
    key_write <= 1'b0;
    if (bvalid && bready) bvalid <= 1'b0;
    if (write) bvalid <= 1'b1;

    for (q = 0; q < QUEUES; q++)
      if (done_event[q]) begin
        uncounted[8*q+:8] <= uncounted[8*q+:8] + 8'd1;
        if (uncounted[8*q+:8] + 8'd1 >= irq_coalesce || done[16*q+:16] + 16'd1 == head[16*q+:16]) begin
          irq_pending[q]    <= 1'b1;
          uncounted[8*q+:8] <= '0;
        end
      end
    if (bus_error != '0) failed <= 1'b1;
    jobs            <= jobs + count(ok_event);
    wrong_tags      <= wrong_tags + count(wrong_tag_event);
    bad_keys        <= bad_keys + count(bad_key_event);
    bad_descriptors <= bad_descriptors + count(bad_descriptor_event);

    if (write)
      case (write_at)
        offload_pkg::REG_CONTROL: begin
          run <= wdata[offload_pkg::CONTROL_RUN_SHIFT];
          if (wdata[offload_pkg::CONTROL_RESET_SHIFT] && reset_phase == 2'd0) begin
            reset_phase <= 2'd1;
            reset_count <= '0;
          end
        end
        offload_pkg::REG_EPOCH: epoch <= wdata[15:0];
        offload_pkg::REG_IRQ_MASK: irq_mask <= wdata[QUEUES-1:0];
        offload_pkg::REG_IRQ_PENDING: irq_pending <= irq_pending & ~wdata[QUEUES-1:0];
        offload_pkg::REG_IRQ_COALESCE: irq_coalesce <= wdata[7:0];
        offload_pkg::REG_KEY_HANDLE: key_handle <= wdata;
        offload_pkg::REG_KEY_COMMAND: key_command <= wdata[1:0];
        default: if (write_window) key_window[32*write_at[4:2]+:32] <= wdata;
      endcase
    for (q = 0; q < QUEUES; q++)
      if (write && write_queue && write_at[7:6] == 2'(q))
        case (write_field)
          offload_pkg::REG_QUEUE_SUBMIT_LOW: submit_base[64*q+:32] <= wdata;
          offload_pkg::REG_QUEUE_SUBMIT_HIGH: submit_base[64*q+32+:32] <= wdata;
          offload_pkg::REG_QUEUE_COMPLETE_LOW: complete_base[64*q+:32] <= wdata;
          offload_pkg::REG_QUEUE_COMPLETE_HIGH: complete_base[64*q+32+:32] <= wdata;
          offload_pkg::REG_QUEUE_RING_LOG2: ring_log2[4*q+:4] <= wdata[3:0];
          offload_pkg::REG_QUEUE_TAIL: tail[16*q+:16] <= wdata[15:0];
          default: ;
        endcase

    // A command takes a clock. Its key does not stay in the window.
    if (key_command != 2'd0 && reset_phase == 2'd0) begin
      key_write            <= 9'(key_handle[7:0]) < 9'(1 << SLOTS_LOG2);
      key_write_slot       <= key_handle[SLOTS_LOG2-1:0];
      key_write_used       <= key_command == 2'(offload_pkg::KEY_COMMAND_LOAD);
      key_write_generation <= key_command == 2'(offload_pkg::KEY_COMMAND_LOAD) ? key_handle[31:8] : '0;
      key_write_key        <= key_command == 2'(offload_pkg::KEY_COMMAND_LOAD) ? key_window : '0;
      key_window           <= '0;
      key_command          <= '0;
    end

    if (reset_phase != 2'd0) begin
      run         <= 1'b0;
      reset_count <= reset_count + 1'b1;
      if (reset_phase == 2'd1 && ((&quiet && reset_count >= 17'd4) || reset_count[RESET_WAIT_LOG2])) begin
        reset_phase <= 2'd2;
        reset_count <= '0;
      end
      if (reset_phase == 2'd2) begin
        key_write            <= 1'b1;
        key_write_slot       <= reset_count[SLOTS_LOG2-1:0];
        key_write_used       <= 1'b0;
        key_write_generation <= '0;
        key_write_key        <= '0;
        key_window           <= '0;
        key_command          <= '0;
        tail                 <= '0;
        irq_pending          <= '0;
        uncounted            <= '0;
        failed               <= 1'b0;
        {jobs, wrong_tags, bad_keys, bad_descriptors} <= '0;
        if (reset_count[SLOTS_LOG2]) reset_phase <= 2'd0;
      end
    end

    if (rst) begin
      {run, bvalid, failed} <= '0;
      {irq_mask, irq_coalesce, epoch} <= '0;
      {submit_base, complete_base, ring_log2} <= '0;
      reset_phase <= 2'd2;
      reset_count <= '0;
    end
  end

  // ---- Reading.
  logic [31:0] value;
  always_comb begin
    value = '0;
    case (read_at)
      offload_pkg::REG_ID: value = offload_pkg::ID_VALUE;
      offload_pkg::REG_ABI_VERSION: value = {16'(offload_pkg::ABI_MAJOR), 16'(offload_pkg::ABI_MINOR)};
      offload_pkg::REG_CAPS:
      value = {ALL_QUEUES & ~BARREL_QUEUES, ALL_QUEUES & BARREL_QUEUES, 4'd0, 4'(RING_LOG2_MAX), 4'(SLOTS_LOG2), 4'(QUEUES)};
      offload_pkg::REG_PATIENCE_US: value = PATIENCE_US;
      offload_pkg::REG_CONTROL: value = {30'd0, reset_phase != 2'd0, run};
      offload_pkg::REG_STATUS: value = {29'd0, failed, &idle, run && reset_phase == 2'd0};
      offload_pkg::REG_EPOCH: value = {16'd0, epoch};
      offload_pkg::REG_HEARTBEAT: value = clocks[39:8];
      offload_pkg::REG_IRQ_MASK: value = 32'(irq_mask);
      offload_pkg::REG_IRQ_PENDING: value = 32'(irq_pending);
      offload_pkg::REG_IRQ_COALESCE: value = {24'd0, irq_coalesce};
      offload_pkg::REG_KEY_HANDLE: value = key_handle;
      offload_pkg::REG_KEY_COMMAND: value = {30'd0, key_command};
      offload_pkg::REG_COUNT_JOBS: value = jobs;
      offload_pkg::REG_COUNT_WRONG_TAGS: value = wrong_tags;
      offload_pkg::REG_COUNT_BAD_KEYS: value = bad_keys;
      offload_pkg::REG_COUNT_BAD_DESCRIPTORS: value = bad_descriptors;
      default: ;
    endcase
    for (int k = 0; k < QUEUES; k++)
      if (read_queue && read_at[7:6] == 2'(k))
        case (read_field)
          offload_pkg::REG_QUEUE_SUBMIT_LOW: value = submit_base[64*k+:32];
          offload_pkg::REG_QUEUE_SUBMIT_HIGH: value = submit_base[64*k+32+:32];
          offload_pkg::REG_QUEUE_COMPLETE_LOW: value = complete_base[64*k+:32];
          offload_pkg::REG_QUEUE_COMPLETE_HIGH: value = complete_base[64*k+32+:32];
          offload_pkg::REG_QUEUE_RING_LOG2: value = {28'd0, ring_log2[4*k+:4]};
          offload_pkg::REG_QUEUE_TAIL: value = {16'd0, tail[16*k+:16]};
          offload_pkg::REG_QUEUE_HEAD: value = {16'd0, head[16*k+:16]};
          offload_pkg::REG_QUEUE_DONE: value = {16'd0, done[16*k+:16]};
          offload_pkg::REG_QUEUE_LONGEST: value = BARREL_QUEUES[k] ? 32'd2048 : 32'd16 << HOLD_LOG2;
          default: ;
        endcase
  end
  always_ff @(posedge clk) begin
    if (rvalid && rready) rvalid <= 1'b0;
    reading <= read && !rst;
    if (read) read_at <= {araddr[11:2], 2'd0};
    if (reading) begin
      rvalid <= 1'b1;
      rdata  <= value;
    end
    if (rst) rvalid <= 1'b0;
  end

  function automatic logic [31:0] count(input logic [QUEUES-1:0] events);
    count = '0;
    for (int k = 0; k < QUEUES; k++) count = count + 32'(events[k]);
  endfunction

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, awaddr[1:0], araddr[1:0], write_at[11:8], read_at[11:8], clocks[7:0]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

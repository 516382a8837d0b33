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
  localparam logic [11:0] FIRST_OF_QUEUES = 12'h100;
  localparam int LAST_REGISTER = 'h40 * QUEUES + 'h100;
  // Clocks behind `halt` in which a queue may still begin a transaction, and be believed to have none.
  localparam logic [RESET_WAIT_LOG2:0] SETTLED = (RESET_WAIT_LOG2 + 1)'(8);

  // ---- AXI4-Lite: one write and one read at a time. A write is held for a clock before it acts; a read takes a clock to
  // choose the register, of the device and of a queue, and one to choose between the two.
  logic write;
  wire take_write = awvalid && wvalid && !write && !bvalid;
  assign awready = take_write;
  assign wready  = take_write;
  logic reading, fetching;
  wire read = arvalid && !reading && !fetching && !rvalid;
  assign arready = read;
  logic [11:0] write_at, read_at;
  logic write_device, write_queue, read_device, read_queue;  // where that lies
  logic [7:0] write_window;  // a bit for each word of the key window
  logic [31:0] write_data;
  function automatic logic of_device(input logic [11:0] address);
    of_device = address < FIRST_OF_QUEUES;
  endfunction
  function automatic logic of_queue(input logic [11:0] address);
    of_queue = address >= FIRST_OF_QUEUES && address < 12'(LAST_REGISTER);
  endfunction
  function automatic logic of_window(input logic [11:0] address);
    of_window = address >= offload_pkg::REG_KEY_WINDOW && address < offload_pkg::REG_KEY_WINDOW + 12'd32;
  endfunction
  wire [11:0] write_device_field = {4'd0, write_at[7:0]};
  wire [11:0] read_device_field = {4'd0, read_at[7:0]};
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
  // What the queues say, held for a clock; `drained` is how it stands when `completed` is acted on.
  logic [QUEUES-1:0] done_held, completed, drained, ok_held, wrong_tag_held, bad_key_held, bad_descriptor_held;
  logic all_quiet;
  assign irq = (irq_mask & irq_pending) != '0;

  integer q;
  always_ff @(posedge clk) begin
    clocks    <= rst ? '0 : clocks + 40'd1;
    key_write <= 1'b0;
    write      <= take_write;
    write_at   <= {awaddr[11:2], 2'd0};
    write_data <= wdata;
    write_device <= of_device(awaddr);
    write_queue  <= of_queue(awaddr);
    write_window <= take_write && of_window(awaddr) ? 8'd1 << awaddr[4:2] : 8'd0;
    if (bvalid && bready) bvalid <= 1'b0;
    if (write) bvalid <= 1'b1;

    done_held           <= done_event;
    completed           <= done_held;
    drained             <= idle;
    ok_held             <= ok_event;
    wrong_tag_held      <= wrong_tag_event;
    bad_key_held        <= bad_key_event;
    bad_descriptor_held <= bad_descriptor_event;
    all_quiet           <= &quiet;
    for (q = 0; q < QUEUES; q++)
      if (completed[q]) begin
        uncounted[8*q+:8] <= uncounted[8*q+:8] + 8'd1;
        if (uncounted[8*q+:8] + 8'd1 >= irq_coalesce || drained[q]) begin
          irq_pending[q]    <= 1'b1;
          uncounted[8*q+:8] <= '0;
        end
      end
    if (bus_error != '0) failed <= 1'b1;
    jobs            <= jobs + count(ok_held);
    wrong_tags      <= wrong_tags + count(wrong_tag_held);
    bad_keys        <= bad_keys + count(bad_key_held);
    bad_descriptors <= bad_descriptors + count(bad_descriptor_held);

    if (write && write_device)
      case (write_device_field)
        offload_pkg::REG_CONTROL: begin
          run <= write_data[offload_pkg::CONTROL_RUN_SHIFT];
          if (write_data[offload_pkg::CONTROL_RESET_SHIFT] && reset_phase == 2'd0) begin
            reset_phase <= 2'd1;
            reset_count <= '0;
          end
        end
        offload_pkg::REG_EPOCH: epoch <= write_data[15:0];
        offload_pkg::REG_IRQ_MASK: irq_mask <= write_data[QUEUES-1:0];
        offload_pkg::REG_IRQ_PENDING: irq_pending <= irq_pending & ~write_data[QUEUES-1:0];
        offload_pkg::REG_IRQ_COALESCE: irq_coalesce <= write_data[7:0];
        offload_pkg::REG_KEY_HANDLE: key_handle <= write_data;
        offload_pkg::REG_KEY_COMMAND: key_command <= write_data[1:0];
        default: ;
      endcase
    for (q = 0; q < 8; q++) if (write_window[q]) key_window[32*q+:32] <= write_data;
    for (q = 0; q < QUEUES; q++)
      if (write && write_queue && write_at[7:6] == 2'(q))
        case (write_field)
          offload_pkg::REG_QUEUE_SUBMIT_LOW: submit_base[64*q+:32] <= write_data;
          offload_pkg::REG_QUEUE_SUBMIT_HIGH: submit_base[64*q+32+:32] <= write_data;
          offload_pkg::REG_QUEUE_COMPLETE_LOW: complete_base[64*q+:32] <= write_data;
          offload_pkg::REG_QUEUE_COMPLETE_HIGH: complete_base[64*q+32+:32] <= write_data;
          offload_pkg::REG_QUEUE_RING_LOG2: ring_log2[4*q+:4] <= write_data[3:0];
          offload_pkg::REG_QUEUE_TAIL: tail[16*q+:16] <= write_data[15:0];
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
      if (reset_phase == 2'd1 && ((all_quiet && reset_count >= SETTLED) || reset_count[RESET_WAIT_LOG2])) begin
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
      {run, write, bvalid, failed} <= '0;
      {irq_mask, irq_coalesce, epoch} <= '0;
      {submit_base, complete_base, ring_log2} <= '0;
      reset_phase <= 2'd2;
      reset_count <= '0;
    end
  end

  // ---- Reading.
  logic [31:0] value, queue_value, value_held, queue_value_held;
  always_comb begin
    value = '0;
    queue_value = '0;
    case (read_device_field)
      offload_pkg::REG_ID: value = offload_pkg::ID_VALUE;
      offload_pkg::REG_ABI_VERSION: value = {16'(offload_pkg::ABI_MAJOR), 16'(offload_pkg::ABI_MINOR)};
      offload_pkg::REG_CAPS:
      value = {ALL_QUEUES & ~BARREL_QUEUES, ALL_QUEUES & BARREL_QUEUES, 4'd0, 4'(RING_LOG2_MAX), 4'(SLOTS_LOG2), 4'(QUEUES)};
      offload_pkg::REG_PATIENCE_US: value = PATIENCE_US;
      offload_pkg::REG_CONTROL: value = {30'd0, reset_phase != 2'd0, run};
      offload_pkg::REG_STATUS: value = {29'd0, failed, &drained, run && reset_phase == 2'd0};
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
          offload_pkg::REG_QUEUE_SUBMIT_LOW: queue_value = submit_base[64*k+:32];
          offload_pkg::REG_QUEUE_SUBMIT_HIGH: queue_value = submit_base[64*k+32+:32];
          offload_pkg::REG_QUEUE_COMPLETE_LOW: queue_value = complete_base[64*k+:32];
          offload_pkg::REG_QUEUE_COMPLETE_HIGH: queue_value = complete_base[64*k+32+:32];
          offload_pkg::REG_QUEUE_RING_LOG2: queue_value = {28'd0, ring_log2[4*k+:4]};
          offload_pkg::REG_QUEUE_TAIL: queue_value = {16'd0, tail[16*k+:16]};
          offload_pkg::REG_QUEUE_HEAD: queue_value = {16'd0, head[16*k+:16]};
          offload_pkg::REG_QUEUE_DONE: queue_value = {16'd0, done[16*k+:16]};
          offload_pkg::REG_QUEUE_LONGEST: queue_value = BARREL_QUEUES[k] ? 32'd2048 : 32'd16 << HOLD_LOG2;
          default: ;
        endcase
  end
  always_ff @(posedge clk) begin
    if (rvalid && rready) rvalid <= 1'b0;
    reading  <= read && !rst;
    fetching <= reading && !rst;
    if (read) begin
      read_at     <= {araddr[11:2], 2'd0};
      read_device <= of_device(araddr);
      read_queue  <= of_queue(araddr);
    end
    value_held       <= value;
    queue_value_held <= queue_value;
    if (fetching) begin
      rvalid <= 1'b1;
      rdata  <= (read_device ? value_held : '0) | queue_value_held;
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

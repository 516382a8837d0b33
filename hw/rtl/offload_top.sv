// The offload device: one register page, QUEUES queues, each with an AXI4 port of its own (bits n * width of each vector are
// queue n's). Configurations:
//
//   full    QUEUES 3, BARREL_QUEUES 3: sealing, opening, and a third queue for long texts
//   single  QUEUES 2, BARREL_QUEUES 1
//   small   QUEUES 1, BARREL_QUEUES 0
//
// All AXI4 bursts are incrementing, 16 bytes a beat, all bytes of a beat written; one ID.
module offload_top #(
    parameter int QUEUES = 1,
    parameter logic [7:0] BARREL_QUEUES = 8'd0,
    parameter int HOLD_LOG2 = 12,
    parameter int SLOTS_LOG2 = 8,
    parameter int RING_LOG2_MAX = 10,
    parameter int PATIENCE_US = 2000
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  s_awvalid,
    output logic                  s_awready,
    input  logic [11:0]           s_awaddr,
    input  logic                  s_wvalid,
    output logic                  s_wready,
    input  logic [31:0]           s_wdata,
    output logic                  s_bvalid,
    input  logic                  s_bready,
    input  logic                  s_arvalid,
    output logic                  s_arready,
    input  logic [11:0]           s_araddr,
    output logic                  s_rvalid,
    input  logic                  s_rready,
    output logic [31:0]           s_rdata,
    output logic                  irq,
    output logic [QUEUES-1:0]     m_arvalid,
    input  logic [QUEUES-1:0]     m_arready,
    output logic [QUEUES*64-1:0]  m_araddr,
    output logic [QUEUES*8-1:0]   m_arlen,
    input  logic [QUEUES-1:0]     m_rvalid,
    output logic [QUEUES-1:0]     m_rready,
    input  logic [QUEUES*128-1:0] m_rdata,
    input  logic [QUEUES*2-1:0]   m_rresp,
    input  logic [QUEUES-1:0]     m_rlast,
    output logic [QUEUES-1:0]     m_awvalid,
    input  logic [QUEUES-1:0]     m_awready,
    output logic [QUEUES*64-1:0]  m_awaddr,
    output logic [QUEUES*8-1:0]   m_awlen,
    output logic [QUEUES-1:0]     m_wvalid,
    input  logic [QUEUES-1:0]     m_wready,
    output logic [QUEUES*128-1:0] m_wdata,
    output logic [QUEUES-1:0]     m_wlast,
    input  logic [QUEUES-1:0]     m_bvalid,
    output logic [QUEUES-1:0]     m_bready,
    input  logic [QUEUES*2-1:0]   m_bresp
);
  wire queue_rst, run, halt, key_write, key_write_used;
  wire [15:0] epoch;
  wire [QUEUES*64-1:0] submit_base, complete_base;
  wire [QUEUES*4-1:0] ring_log2;
  wire [QUEUES*16-1:0] tail, head, done;
  wire [QUEUES-1:0] idle, quiet, bus_error, done_event, ok_event, wrong_tag_event, bad_key_event, bad_descriptor_event;
  wire [SLOTS_LOG2-1:0] key_write_slot;
  wire [23:0] key_write_generation;
  wire [255:0] key_write_key;

  registers #(
      .QUEUES(QUEUES),
      .SLOTS_LOG2(SLOTS_LOG2),
      .RING_LOG2_MAX(RING_LOG2_MAX),
      .BARREL_QUEUES(BARREL_QUEUES),
      .HOLD_LOG2(HOLD_LOG2),
      .PATIENCE_US(PATIENCE_US)
  ) page (
      .awvalid(s_awvalid),
      .awready(s_awready),
      .awaddr (s_awaddr),
      .wvalid (s_wvalid),
      .wready (s_wready),
      .wdata  (s_wdata),
      .bvalid (s_bvalid),
      .bready (s_bready),
      .arvalid(s_arvalid),
      .arready(s_arready),
      .araddr (s_araddr),
      .rvalid (s_rvalid),
      .rready (s_rready),
      .rdata  (s_rdata),
      .*
  );

  genvar q;
  generate
    for (q = 0; q < QUEUES; q++) begin : queues
      queue_engine #(
          .BARREL(BARREL_QUEUES[q] ? 1 : 0),
          .HOLD_LOG2(HOLD_LOG2),
          .SLOTS_LOG2(SLOTS_LOG2)
      ) queue (
          .clk,
          .rst(rst || queue_rst),
          .run,
          .halt,
          .idle(idle[q]),
          .quiet(quiet[q]),
          .bus_error(bus_error[q]),
          .epoch,
          .submit_base(submit_base[64*q+:64]),
          .complete_base(complete_base[64*q+:64]),
          .ring_log2(ring_log2[4*q+:4]),
          .tail(tail[16*q+:16]),
          .head(head[16*q+:16]),
          .done(done[16*q+:16]),
          .done_event(done_event[q]),
          .ok_event(ok_event[q]),
          .wrong_tag_event(wrong_tag_event[q]),
          .bad_key_event(bad_key_event[q]),
          .bad_descriptor_event(bad_descriptor_event[q]),
          .key_write,
          .key_write_slot,
          .key_write_used,
          .key_write_generation,
          .key_write_key,
          .axi_arvalid(m_arvalid[q]),
          .axi_arready(m_arready[q]),
          .axi_araddr(m_araddr[64*q+:64]),
          .axi_arlen(m_arlen[8*q+:8]),
          .axi_rvalid(m_rvalid[q]),
          .axi_rready(m_rready[q]),
          .axi_rdata(m_rdata[128*q+:128]),
          .axi_rresp(m_rresp[2*q+:2]),
          .axi_rlast(m_rlast[q]),
          .axi_awvalid(m_awvalid[q]),
          .axi_awready(m_awready[q]),
          .axi_awaddr(m_awaddr[64*q+:64]),
          .axi_awlen(m_awlen[8*q+:8]),
          .axi_wvalid(m_wvalid[q]),
          .axi_wready(m_wready[q]),
          .axi_wdata(m_wdata[128*q+:128]),
          .axi_wlast(m_wlast[q]),
          .axi_bvalid(m_bvalid[q]),
          .axi_bready(m_bready[q]),
          .axi_bresp(m_bresp[2*q+:2])
      );
    end
  endgenerate
endmodule

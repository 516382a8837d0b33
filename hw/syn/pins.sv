// For place and route only: the device has more ports than a part has pins. Inputs come out of a shift register, outputs go
// into one, so that every path of the device begins and ends in a register of the fabric.
module pins #(
    parameter int QUEUES = 1,
    parameter logic [7:0] BARREL_QUEUES = 8'd0,
    parameter int HOLD_LOG2 = 12,
    parameter int SLOTS_LOG2 = 8
) (
    input  logic clk,
    input  logic rst,
    input  logic in_bit,
    input  logic load,
    output logic out_bit
);
  localparam int INPUTS = 61 + QUEUES * 138;
  localparam int OUTPUTS = 39 + QUEUES * 278;
  logic [INPUTS-1:0] in_chain;
  logic [OUTPUTS-1:0] out_chain;
  wire  [OUTPUTS-1:0] out;
  logic rst_held;
  always_ff @(posedge clk) begin
    rst_held  <= rst;
    in_chain  <= {in_chain[INPUTS-2:0], in_bit};
    out_chain <= load ? out : {out_chain[OUTPUTS-2:0], 1'b0};
    out_bit   <= out_chain[OUTPUTS-1];
  end

  wire s_awready, s_wready, s_bvalid, s_arready, s_rvalid, irq;
  wire [31:0] s_rdata;
  wire [QUEUES-1:0] m_arvalid, m_rready, m_awvalid, m_wvalid, m_wlast, m_bready;
  wire [QUEUES*64-1:0] m_araddr, m_awaddr;
  wire [QUEUES*8-1:0] m_arlen, m_awlen;
  wire [QUEUES*128-1:0] m_wdata;
  assign out = {
    s_awready, s_wready, s_bvalid, s_arready, s_rvalid, irq, s_rdata, 1'b0,
    m_arvalid, m_rready, m_awvalid, m_wvalid, m_wlast, m_bready, m_araddr, m_awaddr, m_arlen, m_awlen, m_wdata
  };
  wire s_awvalid, s_wvalid, s_bready, s_arvalid, s_rready;
  wire [11:0] s_awaddr, s_araddr;
  wire [31:0] s_wdata;
  wire [QUEUES-1:0] m_arready, m_rvalid, m_rlast, m_awready, m_wready, m_bvalid;
  wire [QUEUES*128-1:0] m_rdata;
  wire [QUEUES*2-1:0] m_rresp, m_bresp;
  assign {
    s_awvalid, s_wvalid, s_bready, s_arvalid, s_rready, s_awaddr, s_araddr, s_wdata,
    m_arready, m_rvalid, m_rlast, m_awready, m_wready, m_bvalid, m_rdata, m_rresp, m_bresp
  } = in_chain;
  offload_top #(
      .QUEUES(QUEUES),
      .BARREL_QUEUES(BARREL_QUEUES),
      .HOLD_LOG2(HOLD_LOG2),
      .SLOTS_LOG2(SLOTS_LOG2)
  ) device (
      .clk,
      .rst(rst_held),
      .*
  );
endmodule

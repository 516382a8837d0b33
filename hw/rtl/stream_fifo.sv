// A queue of 2^DEPTH_LOG2 words between a valid/ready stream and another. What was written can be read in the next clock.
module stream_fifo #(
    parameter int WIDTH = 8,
    parameter int DEPTH_LOG2 = 3
) (
    input  logic             clk,
    input  logic             rst,
    input  logic             in_valid,
    output logic             in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic             out_valid,
    input  logic             out_ready,
    output logic [WIDTH-1:0] out_data
);
  logic [WIDTH-1:0] memory[0:(1<<DEPTH_LOG2)-1];
  logic [DEPTH_LOG2:0] written, taken;
  wire [DEPTH_LOG2:0] held = written - taken;
  assign in_ready  = !held[DEPTH_LOG2];
  assign out_valid = written != taken;
  assign out_data  = memory[taken[DEPTH_LOG2-1:0]];

  always_ff @(posedge clk) begin
    if (in_valid && in_ready) memory[written[DEPTH_LOG2-1:0]] <= in_data;
    if (rst) begin
      written <= '0;
      taken   <= '0;
    end else begin
      if (in_valid && in_ready) written <= written + 1'b1;
      if (out_valid && out_ready) taken <= taken + 1'b1;
    end
  end
`ifdef FORMAL
  // What goes in comes out, once and in order: any one entry, followed from its writing to its reading.
  (* anyconst *) logic [DEPTH_LOG2:0] followed;
  logic [WIDTH-1:0] kept;
  logic inside;
  initial inside = 1'b0;
  always_ff @(posedge clk) begin
    if (rst) inside <= 1'b0;
    else begin
      if (in_valid && in_ready && written == followed) begin
        inside <= 1'b1;
        kept   <= in_data;
      end
      if (out_valid && out_ready && taken == followed) inside <= 1'b0;
    end
  end
  initial assume (written == '0 && taken == '0);
  wire [DEPTH_LOG2:0] place = followed - taken;
  always_comb begin
    assert (held <= (DEPTH_LOG2 + 1)'(1 << DEPTH_LOG2));
    if (inside) assert (place < held && memory[followed[DEPTH_LOG2-1:0]] == kept);
    if (inside && taken == followed) assert (out_valid && out_data == kept);
  end
`endif
endmodule

// A queue of 2^DEPTH_LOG2 + 1 words between a valid/ready stream and another. What was written can be read in the next clock.
// The first word stands in a register of its own, so that no memory is read, and nothing compared, before it goes on.
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
  logic [DEPTH_LOG2-1:0] written, taken;
  logic [DEPTH_LOG2:0] held;  // words in the memory
  logic behind;               // there are some
  wire enter = in_valid && in_ready;
  wire advance = !out_valid || out_ready;  // the register is free, or about to be
  wire push = enter && (behind || !advance);
  wire pop = advance && behind;
  assign in_ready = !held[DEPTH_LOG2];

  always_ff @(posedge clk) begin
    if (push) memory[written] <= in_data;
    if (advance) out_data <= behind ? memory[taken] : in_data;
    if (rst) begin
      written   <= '0;
      taken     <= '0;
      held      <= '0;
      behind    <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      if (push) written <= written + 1'b1;
      if (pop) taken <= taken + 1'b1;
      if (push && !pop) held <= held + 1'b1;
      if (pop && !push) held <= held - 1'b1;
      behind <= push || (behind && !(pop && held == (DEPTH_LOG2 + 1)'(1)));
      if (advance) out_valid <= behind || enter;
    end
  end
`ifdef FORMAL
  // What goes in comes out, once and in order: any one entry, followed from its entering to its leaving.
  (* anyconst *) logic [DEPTH_LOG2+1:0] followed;
  logic [DEPTH_LOG2+1:0] entered, left;  // words so far
  logic [WIDTH-1:0] kept;
  logic inside;
  wire leave = out_valid && out_ready;
  always_ff @(posedge clk) begin
    if (rst) begin
      inside  <= 1'b0;
      entered <= '0;
      left    <= '0;
    end else begin
      if (enter) entered <= entered + 1'b1;
      if (leave) left <= left + 1'b1;
      if (enter && entered == followed) begin
        inside <= 1'b1;
        kept   <= in_data;
      end
      if (leave && left == followed) inside <= 1'b0;
    end
  end
  initial assume (written == '0 && taken == '0 && held == '0 && !behind && !out_valid && !inside && entered == '0 && left == '0);
  wire [DEPTH_LOG2+1:0] place = followed - left;
  wire [DEPTH_LOG2-1:0] place_in_memory = taken + place[DEPTH_LOG2-1:0] - 1'b1;
  always_comb begin
    assert (held <= (DEPTH_LOG2 + 1)'(1 << DEPTH_LOG2) && held[DEPTH_LOG2-1:0] == written - taken);
    assert (behind == (held != '0) && (out_valid || !behind));
    assert (entered - left == (DEPTH_LOG2 + 2)'(held) + (DEPTH_LOG2 + 2)'(out_valid));
    if (inside) assert (place < entered - left);
    if (inside && place == '0) assert (out_valid && out_data == kept);
    if (inside && place != '0) assert (memory[place_in_memory] == kept);
  end
`endif
endmodule

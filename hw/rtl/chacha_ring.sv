// ROUNDS rounds of ChaCha20 as a ring of 4 * ROUNDS register stages: as many blocks are under way at once, each takes
// 20 / ROUNDS passes, and one position of the ring comes by in each clock.
//
// Whoever owns the ring counts: the state given with `load` has made all 20 rounds, and stands in `rounds_done`, exactly 80
// clocks later, when the same position may be loaded again. The final addition of the initial state is left to the owner.
module chacha_ring #(
    parameter int ROUNDS = 4  // even, a divisor of 20
) (
    input  logic         clk,
    input  logic         load,
    input  logic [511:0] initial_state,
    output logic [511:0] rounds_done
);
  localparam int STAGES = 4 * ROUNDS;
  wire [511:0] stepped[0:STAGES-1];
  assign rounds_done = stepped[STAGES-1];

  genvar k;
  generate
    for (k = 0; k < STAGES; k++) begin : stage
      logic [511:0] state;
      chacha_step #(
          .DIAGONAL((k / 4) % 2),
          .STEP(k % 4)
      ) step (
          .state_in(state),
          .state_out(stepped[k])
      );
      if (k == 0) begin : first
        always_ff @(posedge clk) state <= load ? initial_state : stepped[STAGES-1];
      end else begin : later
        always_ff @(posedge clk) state <= stepped[k-1];
      end
    end
  endgenerate
endmodule

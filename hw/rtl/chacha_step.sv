// A quarter of a ChaCha round over the whole state (RFC 8439 section 2.1): one addition, exclusive or and rotation in each
// of the four columns, or diagonals. Combinational; word n of the state lies in bits 32n to 32n+31.
module chacha_step #(
    parameter int DIAGONAL = 0,  // 0: column round, 1: diagonal round
    parameter int STEP = 0       // 0 to 3: rotation by 16, 12, 8, 7
) (
    input  logic [511:0] state_in,
    output logic [511:0] state_out
);
  function automatic logic [31:0] rotate(input logic [31:0] value, input int by);
    rotate = (value << by) | (value >> (32 - by));
  endfunction

  genvar column;
  generate
    for (column = 0; column < 4; column++) begin : quarter
      localparam int A = column;
      localparam int B = 4 + (column + DIAGONAL) % 4;
      localparam int C = 8 + (column + 2 * DIAGONAL) % 4;
      localparam int D = 12 + (column + 3 * DIAGONAL) % 4;
      logic [31:0] a, b, c, d, sum;
      assign a = state_in[32*A+:32];
      assign b = state_in[32*B+:32];
      assign c = state_in[32*C+:32];
      assign d = state_in[32*D+:32];
      if (STEP % 2 == 0) begin : even
        assign sum = a + b;
        assign state_out[32*A+:32] = sum;
        assign state_out[32*B+:32] = b;
        assign state_out[32*C+:32] = c;
        assign state_out[32*D+:32] = rotate(d ^ sum, STEP == 0 ? 16 : 8);
      end else begin : odd
        assign sum = c + d;
        assign state_out[32*A+:32] = a;
        assign state_out[32*B+:32] = rotate(b ^ sum, STEP == 1 ? 12 : 7);
        assign state_out[32*C+:32] = sum;
        assign state_out[32*D+:32] = d;
      end
    end
  endgenerate
endmodule

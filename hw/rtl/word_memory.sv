// Block memory of 16-byte words, one port to write and one to read: `data` is the word at the `address` of two clocks ago.
// What a read meets that is written in the same clock is not defined.
//
// The second clock is a register behind the memory: an ECP5's block memory alone answers 4.3 ns into the clock. Each four
// bits have a memory of their own, which for 4,096 words is one block, so that no multiplexer stands between the two.
module word_memory #(
    parameter int ADDRESS_BITS = 12
) (
    input  logic                    clk,
    input  logic                    write,
    input  logic [ADDRESS_BITS-1:0] write_address,
    input  logic [127:0]            write_data,
    input  logic [ADDRESS_BITS-1:0] address,
    output logic [127:0]            data
);
  localparam int SLICE_BITS = 4;
  genvar n;
  generate
    for (n = 0; n < 128 / SLICE_BITS; n++) begin : slice
      (* no_rw_check *) logic [SLICE_BITS-1:0] memory[0:(1<<ADDRESS_BITS)-1];
      logic [SLICE_BITS-1:0] found;
      always_ff @(posedge clk) begin
        if (write) memory[write_address] <= write_data[SLICE_BITS*n+:SLICE_BITS];
        found                            <= memory[address];
        data[SLICE_BITS*n+:SLICE_BITS]   <= found;
      end
    end
  endgenerate
endmodule

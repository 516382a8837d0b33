// Key slots of one queue: a key of 32 bytes with the generation that its owner was given. Every queue has a copy of its
// own, all written together, so that no queue waits for another. Nothing but the cipher engine reads a key.
module key_store #(
    parameter int SLOTS_LOG2 = 8
) (
    input  logic                  clk,
    input  logic                  write,
    input  logic [SLOTS_LOG2-1:0] write_slot,
    input  logic                  write_used,
    input  logic [23:0]           write_generation,
    input  logic [255:0]          write_key,
    // Answers in the next clock.
    input  logic [7:0]            slot,
    input  logic [23:0]           generation,
    output logic                  right,
    output logic [255:0]          key
);
  logic [280:0] slots[0:(1<<SLOTS_LOG2)-1];
  logic [280:0] found;
  logic [23:0] wanted;
  logic in_range;
  always_ff @(posedge clk) begin
    if (write) slots[write_slot] <= {write_used, write_generation, write_key};
    found    <= slots[slot[SLOTS_LOG2-1:0]];
    wanted   <= generation;
    in_range <= 9'(slot) < 9'(1 << SLOTS_LOG2);
  end
  assign right = in_range && found[280] && found[279:256] == wanted;
  assign key   = found[255:0];
endmodule

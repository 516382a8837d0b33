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
    // Slot and generation are given until the answer was used. `take` in the clock behind the first one; `key` follows it, and
    // `right` follows that. Both stay whatever is written to the slot.
    input  logic [7:0]            slot,
    input  logic [23:0]           generation,
    input  logic                  take,
    output logic                  right,
    output logic [255:0]          key
);
  logic [280:0] slots[0:(1<<SLOTS_LOG2)-1];
  logic [280:0] found, held;
  always_ff @(posedge clk) begin
    if (write) slots[write_slot] <= {write_used, write_generation, write_key};
    found <= slots[slot[SLOTS_LOG2-1:0]];
    if (take) held <= found;
    right <= 9'(slot) < 9'(1 << SLOTS_LOG2) && held[280] && held[279:256] == generation;
  end
  assign key   = held[255:0];
endmodule

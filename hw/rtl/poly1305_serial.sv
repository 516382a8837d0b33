// Poly1305 (RFC 8439 section 2.5), one message, eight multipliers: a block takes 13 clocks.
//
//   clock 0        sum = h + block + 2^128
//   clocks 1 to 7  sum times one 18-bit digit of r each, lowest digit first, through two clocks of multiplier and one of
//                  addition; the running product moves 18 bits down with each digit, so no adder is longer than 151 bits
//   clocks 11, 12  h = product mod 2^130 - 5, partly: low + high, then + 4 high, which is below 2^131
//
// All blocks are whole. `start` gives r and s and clears the sum; `finish` asks for the tag when block_ready is up.
module poly1305_serial (
    input  logic         clk,
    input  logic         rst,
    input  logic         start,
    input  logic [127:0] start_r,
    input  logic [127:0] start_s,
    input  logic         block_valid,
    output logic         block_ready,
    input  logic [127:0] block,
    input  logic         finish,
    output logic         tag_valid,
    output logic [127:0] tag
);
  localparam int DIGITS = 7;
  localparam logic [127:0] CLAMP = 128'h0ffffffc0ffffffc0ffffffc0fffffff;

  logic [125:0] r;
  logic [127:0] s;
  logic [130:0] h;
  logic [131:0] sum;
  logic [3:0] step;  // 0: waiting
  logic [3:0] tag_step;
  wire  [127:0] clamped = start_r & CLAMP;
  assign block_ready = step == 4'd0 && tag_step == 4'd0;

  // Digits: r moves down by one digit a clock and comes round again.
  logic [125:0] r_left;
  wire  [143:0] sum_limbs = 144'(sum);
  wire  [35:0] product[0:7];
  genvar i;
  generate
    for (i = 0; i < 8; i++) begin : limb
      multiply_18 multiply (
          .clk,
          .a(sum_limbs[18*i+:18]),
          .b(r_left[17:0]),
          .product(product[i])
      );
    end
  endgenerate
  // Neighbouring products overlap by half: even and odd ones make two numbers. sum * digit is below 2^150.
  wire [149:0] even = {6'd0, product[6], product[4], product[2], product[0]};
  wire [149:0] odd = {product[7][23:0], product[5], product[3], product[1], 18'd0};
  logic [149:0] partial;
  logic [150:0] running;
  logic [107:0] settled;
  wire  [258:0] whole = {running, settled};
  logic [130:0] folded;

  always_ff @(posedge clk) begin
    partial <= even + odd;
    if (start) begin
      r <= {2'd0, clamped[123:0]};
      s <= start_s;
      h <= '0;
    end
    if (rst) step <= 4'd0;
    else if (step != 4'd0) step <= step == 4'd12 ? 4'd0 : step + 4'd1;
    else if (block_valid && block_ready) step <= 4'd1;

    if (step == 4'd0) begin
      sum    <= {1'b0, h} + {4'd1, block};
      r_left <= r;
    end else begin
      r_left <= {18'd0, r_left[125:18]};
    end
    if (step == 4'd4) running <= {1'b0, partial};
    if (step > 4'd4 && step <= 4'd3 + 4'(DIGITS)) begin
      running <= {18'd0, running[150:18]} + {1'b0, partial};
      settled <= {running[17:0], settled[107:18]};
    end
    if (step == 4'd11) folded <= {1'b0, whole[129:0]} + 131'(whole[255:130]);
    if (step == 4'd12) h <= folded + {3'd0, whole[255:130], 2'd0};
  end

  // The tag: h mod p in full, plus s.
  logic [130:0] reduced, plus5;
  always_ff @(posedge clk) begin
    tag_valid <= !rst && tag_step == 4'd3;
    if (rst) tag_step <= 4'd0;
    else if (tag_step != 4'd0) tag_step <= tag_step == 4'd3 ? 4'd0 : tag_step + 4'd1;
    else if (finish && step == 4'd0) tag_step <= 4'd1;
    if (tag_step == 4'd1) reduced <= {1'b0, h[129:0]} + (h[130] ? 131'd5 : 131'd0);
    if (tag_step == 4'd2) plus5 <= reduced + 131'd5;
    if (tag_step == 4'd3) tag <= (plus5[130] ? plus5[127:0] : reduced[127:0]) + s;
  end

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, clamped[127:124], whole[258:256], product[7][35:24], plus5[129:128]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

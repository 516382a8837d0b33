// Poly1305 (RFC 8439 section 2.5) for 16 messages at once: one 16-byte block enters in each clock, for the lane whose turn
// it is. The way from reading a lane's sum h to writing back (h + block + 2^128) * r mod 2^130 - 5 is exactly 16 clocks,
// so each lane's next block meets its new sum, and no powers of r are needed.
//
// Stage numbers count from P0, the clock in which `lane` and the flags are given; `block` follows in P1. All blocks are
// whole (the AEAD construction pads them). A message begins with `take_r`, which clears the sum too, and `take_s`, at least
// a turn before its first block; `last` asks for the tag, which comes 22 clocks after P0. The next message of the lane may
// begin a turn after `last`.
module poly1305_barrel (
    input  logic         clk,
    input  logic         rst,
    input  logic [3:0]   lane,
    input  logic         take_r,     // from `key`, in P0
    input  logic         take_s,
    input  logic [127:0] key,
    input  logic         add,
    input  logic         last,
    input  logic [127:0] block,
    output logic         tag_valid,
    output logic [3:0]   tag_lane,
    output logic [127:0] tag
);
  localparam int LIMB = 18;
  localparam int SUM_LIMBS = 8;  // 132 bits
  localparam int KEY_LIMBS = 7;  // 124 bits: r is clamped
  localparam int COLUMNS = SUM_LIMBS + KEY_LIMBS - 1;
  localparam int COLUMN_BITS = 2 * LIMB + 3;
  localparam int FORM_BITS = LIMB * (COLUMNS + 2);
  localparam logic [127:0] CLAMP = 128'h0ffffffc0ffffffc0ffffffc0fffffff;

  logic [123:0] r_of[0:15];
  logic [127:0] s_of[0:15];
  logic [130:0] h_of[0:15];
  wire  [127:0] clamped = key & CLAMP;
  always_ff @(posedge clk) begin
    if (take_r) r_of[lane] <= clamped[123:0];
    if (take_s) s_of[lane] <= key;
  end

  // Lane and flags travel beside the data: entry k is valid in Pk.
  logic [3:0] lane_at[1:15];
  logic [15:1] add_at, clear_at, last_at;
  integer k;
  always_ff @(posedge clk) begin
    lane_at[1] <= lane;
    for (k = 2; k < 16; k++) lane_at[k] <= lane_at[k-1];
    add_at   <= rst ? '0 : {add_at[14:1], add};
    clear_at <= rst ? '0 : {clear_at[14:1], take_r};
    last_at  <= rst ? '0 : {last_at[14:1], last};
  end

  // P0 to P2: h + block + 2^128, in halves so that no carry chain is longer than 66 bits.
  logic [130:0] h_p1;
  logic [66:0] low_p2;
  logic [64:0] h_high_p2;
  logic [62:0] block_high_p2;
  logic [131:0] sum_p3;
  logic [123:0] r_p3;
  always_ff @(posedge clk) begin
    h_p1          <= h_of[lane];
    low_p2        <= {1'b0, h_p1[65:0]} + {1'b0, block[65:0]};
    h_high_p2     <= h_p1[130:66];
    block_high_p2 <= {1'b1, block[127:66]};
    sum_p3        <= {66'(h_high_p2) + 66'(block_high_p2) + 66'(low_p2[66]), low_p2[65:0]};
    r_p3          <= r_of[lane_at[2]];
  end

  // P3, P4: 56 products of limbs.
  wire [SUM_LIMBS*LIMB-1:0] sum_limbs = (SUM_LIMBS * LIMB)'(sum_p3);
  wire [KEY_LIMBS*LIMB-1:0] r_limbs = (KEY_LIMBS * LIMB)'(r_p3);
  wire [2*LIMB-1:0] product[0:SUM_LIMBS*KEY_LIMBS-1];
  genvar i, j;
  generate
    for (i = 0; i < SUM_LIMBS; i++) begin : sum_limb
      for (j = 0; j < KEY_LIMBS; j++) begin : r_limb
        multiply_18 multiply (
            .clk,
            .a(sum_limbs[LIMB*i+:LIMB]),
            .b(r_limbs[LIMB*j+:LIMB]),
            .product(product[i*KEY_LIMBS+j])
        );
      end
    end
  endgenerate

  // P5 to P7: the products of each column added up.
  wire [COLUMN_BITS*COLUMNS-1:0] columns;
  genvar c, n;
  generate
    for (c = 0; c < COLUMNS; c++) begin : column
      wire [COLUMN_BITS-1:0] term[0:7];
      for (n = 0; n < 8; n++) begin : pick
        if (c >= n && c - n < KEY_LIMBS) begin : present
          assign term[n] = COLUMN_BITS'(product[n*KEY_LIMBS+c-n]);
        end else begin : absent
          assign term[n] = '0;
        end
      end
      logic [COLUMN_BITS-1:0] pair0, pair1, pair2, pair3, four0, four1, all;
      always_ff @(posedge clk) begin
        pair0 <= term[0] + term[1];
        pair1 <= term[2] + term[3];
        pair2 <= term[4] + term[5];
        pair3 <= term[6] + term[7];
        four0 <= pair0 + pair1;
        four1 <= pair2 + pair3;
        all   <= four0 + four1;
      end
      assign columns[COLUMN_BITS*c+:COLUMN_BITS] = all;
    end
  endgenerate

  // P8: columns overlap by up to three limbs: three numbers without overlap, then two by carry-save addition.
  wire [FORM_BITS-1:0] form0, form1, form2;
  generate
    for (c = 0; c < COLUMNS; c++) begin : spread
      assign form0[LIMB*c+:LIMB]     = columns[COLUMN_BITS*c+:LIMB];
      assign form1[LIMB*(c+1)+:LIMB] = columns[COLUMN_BITS*c+LIMB+:LIMB];
      assign form2[LIMB*(c+2)+:LIMB] = LIMB'(columns[COLUMN_BITS*c+2*LIMB+:3]);
    end
  endgenerate
  assign form0[FORM_BITS-1:LIMB*COLUMNS] = '0;
  assign form1[LIMB-1:0] = '0;
  assign form1[FORM_BITS-1:LIMB*(COLUMNS+1)] = '0;
  assign form2[2*LIMB-1:0] = '0;
  logic [255:0] partial_p9, carry_p9;
  always_ff @(posedge clk) begin
    partial_p9 <= form0[255:0] ^ form1[255:0] ^ form2[255:0];
    carry_p9 <= {
      (form0[254:0] & form1[254:0]) | (form0[254:0] & form2[254:0]) | (form1[254:0] & form2[254:0]), 1'b0
    };
  end

  // P9 to P12: the 256-bit product, 64 bits a clock.
  logic [64:0] done_p10;
  logic [191:0] partial_p10, carry_p10;
  logic [128:0] done_p11;
  logic [127:0] partial_p11, carry_p11;
  logic [192:0] done_p12;
  logic [63:0] partial_p12, carry_p12;
  logic [255:0] product_p13;
  always_ff @(posedge clk) begin
    done_p10    <= {1'b0, partial_p9[63:0]} + {1'b0, carry_p9[63:0]};
    partial_p10 <= partial_p9[255:64];
    carry_p10   <= carry_p9[255:64];
    done_p11    <= {{1'b0, partial_p10[63:0]} + {1'b0, carry_p10[63:0]} + 65'(done_p10[64]), done_p10[63:0]};
    partial_p11 <= partial_p10[191:64];
    carry_p11   <= carry_p10[191:64];
    done_p12    <= {{1'b0, partial_p11[63:0]} + {1'b0, carry_p11[63:0]} + 65'(done_p11[128]), done_p11[127:0]};
    partial_p12 <= partial_p11[127:64];
    carry_p12   <= carry_p11[127:64];
    product_p13 <= {partial_p12 + carry_p12 + 64'(done_p12[192]), done_p12[191:0]};
  end

  // P13 to P15: mod 2^130 - 5, partly: low + high + 4 high, which is below 2^131.
  wire [130:0] low130 = {1'b0, product_p13[129:0]};
  wire [130:0] high = 131'(product_p13[255:130]);
  wire [130:0] high4 = {3'b0, product_p13[255:130], 2'b0};
  logic [130:0] fold_p14, fold_carry_p14;
  logic [66:0] h_low_p15;
  logic [64:0] fold_p15, fold_carry_p15;
  wire [130:0] h_p15 = {fold_p15 + fold_carry_p15 + 65'(h_low_p15[66]), h_low_p15[65:0]};
  always_ff @(posedge clk) begin
    fold_p14 <= low130 ^ high ^ high4;
    fold_carry_p14 <= {
      (low130[129:0] & high[129:0]) | (low130[129:0] & high4[129:0]) | (high[129:0] & high4[129:0]), 1'b0
    };
    h_low_p15      <= {1'b0, fold_p14[65:0]} + {1'b0, fold_carry_p14[65:0]};
    fold_p15       <= fold_p14[130:66];
    fold_carry_p15 <= fold_carry_p14[130:66];
    if (add_at[15] | clear_at[15]) h_of[lane_at[15]] <= clear_at[15] ? '0 : h_p15;
  end

  // The tag: h mod p in full, plus s mod 2^128. T0 is the clock behind P15; each addition takes two.
  logic [6:0] tag_at;
  logic [3:0] lane_t[0:5];
  logic [130:0] h_t0, h_t1;
  logic [66:0] folded_low_t1, plus5_low_t3;
  logic [129:0] folded_t2, folded_t3, folded_t4;
  logic [65:0] plus5_high_t4, plus5_low_t4;
  logic [64:0] tag_low_t5;
  logic [63:0] reduced_high_t5, s_high_t5;
  logic [127:0] s_t4;
  wire [129:0] reduced_t4 = plus5_high_t4[64] ? {plus5_high_t4[63:0], plus5_low_t4} : folded_t4;
  integer t;
  always_ff @(posedge clk) begin
    tag_at    <= rst ? '0 : {tag_at[5:0], last_at[15]};
    lane_t[0] <= lane_at[15];
    for (t = 1; t < 6; t++) lane_t[t] <= lane_t[t-1];
    h_t0            <= h_p15;
    folded_low_t1   <= {1'b0, h_t0[65:0]} + (h_t0[130] ? 67'd5 : 67'd0);
    h_t1            <= h_t0;
    folded_t2       <= {h_t1[129:66] + 64'(folded_low_t1[66]), folded_low_t1[65:0]};
    plus5_low_t3    <= {1'b0, folded_t2[65:0]} + 67'd5;
    folded_t3       <= folded_t2;
    plus5_high_t4   <= {2'b0, folded_t3[129:66]} + 66'(plus5_low_t3[66]);
    plus5_low_t4    <= plus5_low_t3[65:0];
    folded_t4       <= folded_t3;
    s_t4            <= s_of[lane_t[3]];
    tag_low_t5      <= {1'b0, reduced_t4[63:0]} + {1'b0, s_t4[63:0]};
    reduced_high_t5 <= reduced_t4[127:64];
    s_high_t5       <= s_t4[127:64];
    tag             <= {reduced_high_t5 + s_high_t5 + 64'(tag_low_t5[64]), tag_low_t5[63:0]};
    tag_lane        <= lane_t[5];
  end
  assign tag_valid = tag_at[6];

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{
    1'b0, clamped[127:124], form0[FORM_BITS-1:256], form1[FORM_BITS-1:256], form2[FORM_BITS-1:256],
    h_t1[130], h_t1[65:0], plus5_high_t4[65], reduced_t4[129:128]
  };
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

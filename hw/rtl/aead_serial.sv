// ChaCha20-Poly1305 (RFC 8439 section 2.8), one message at a time, for texts of up to HOLD_BYTES: the small engine.
//
// Eight blocks of keystream are made at once (88 clocks) into one half of a buffer while the words of the other half are
// used; the MAC takes 13 clocks a word of 16 bytes and so sets the pace. The whole result is held until the tag is known,
// then it is read out; of a text that was opened with a wrong tag nothing is.
//
// The ports are those of aead_barrel.
module aead_serial #(
    parameter int USER_BITS = 96,
    parameter int HOLD_LOG2 = 12  // binary logarithm of the words of the longest text
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic                 job_valid,
    output logic                 job_ready,
    input  logic                 job_open,
    input  logic [255:0]         job_key,
    input  logic [95:0]          job_nonce,
    input  logic [127:0]         job_associated,
    input  logic [4:0]           job_associated_bytes,
    input  logic [HOLD_LOG2+4:0] job_bytes,
    input  logic [USER_BITS-1:0] job_user,
    input  logic [31:0]          job_check,
    input  logic                 word_valid,
    output logic                 word_ready,
    input  logic [127:0]         word,
    output logic                 result_valid,
    input  logic                 result_ready,
    output logic                 result_ok,
    output logic [USER_BITS-1:0] result_user,
    output logic [31:0]          result_check,
    output logic [HOLD_LOG2+1:0] result_words,
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [127:0]         out_word
);
  localparam logic [127:0] SIGMA = 128'h6b206574_79622d32_3320646e_61707865;
  localparam int WORDS = HOLD_LOG2 + 1;  // bits of a number of words
  localparam int BLOCKS = HOLD_LOG2;     // bits of the number of a block: the text's and the MAC's

  // A block for the MAC is made in ASSOCIATED, MIX and LENGTHS and handed over in FEED. SETTLE: where in the keystream the
  // next word lies, then whether that has been made, each with a clock of its own.
  localparam logic [3:0] IDLE = 4'd0, KEYS = 4'd1, ASSOCIATED = 4'd2, SETTLE = 4'd3, TAKE = 4'd4, MIX = 4'd5, FEED = 4'd6;
  localparam logic [3:0] LENGTHS = 4'd7, TAKE_TAG = 4'd8, FINISH = 4'd9, TAG = 4'd10, OFFER = 4'd11, STREAM = 4'd12;
  localparam logic [3:0] COMPARE = 4'd13, JUDGE = 4'd14;
  logic [3:0] phase, after_feed;

  // ---- The job.
  logic open;
  logic [255:0] key;
  logic [95:0] nonce;
  logic [127:0] associated;
  logic [4:0] associated_bytes;
  logic [HOLD_LOG2+4:0] bytes;
  logic [WORDS-1:0] words, index;
  logic [HOLD_LOG2+4:0] left;  // bytes from this word on
  logic [127:0] given_tag;
  wire accept = job_valid && job_ready;
  assign job_ready = phase == IDLE;

  function automatic logic [31:0] fold(input logic [127:0] value);
    fold = value[31:0] ^ value[63:32] ^ value[95:64] ^ value[127:96];
  endfunction

  // ---- Keystream: groups of eight blocks, into the half of the buffer that the group's lowest bit names.
  logic [6:0] clock_of_group;  // 0: not under way
  logic [BLOCKS-3:0] groups_made, last_group;
  logic [BLOCKS:0] block_used;  // the block that `index` lies in, a clock old
  wire making = clock_of_group != 7'd0;
  // Known a clock late each, and so not believed in the clock behind a group: a group is left, its half is free, both.
  logic group_left, half_free, group_wanted, making_before;
  logic [BLOCKS-3:0] next_group;  // behind the one in use
  wire loading = making && clock_of_group <= 7'd8;
  wire [2:0] load_position = 3'(clock_of_group - 7'd1);
  wire [31:0] load_counter = 32'({groups_made, load_position});
  wire leaving = clock_of_group > 7'd80;
  wire [511:0] rounds_done;
  chacha_ring #(
      .ROUNDS(2)
  ) ring (
      .clk,
      .load(loading),
      .initial_state({nonce, load_counter, key, SIGMA}),
      .rounds_done
  );
  logic leaves_1, leaves_2;
  logic [3:0] place_1, place_2;
  logic [31:0] counter_1;
  logic [511:0] rounds_1, keystream_2;
  logic [127:0] keystream0[0:15];
  logic [127:0] keystream1[0:15];
  logic [127:0] keystream2[0:15];
  logic [127:0] keystream3[0:15];
  integer w;
  always_ff @(posedge clk) begin
    if (rst || accept) begin
      clock_of_group <= '0;
      groups_made    <= '0;
    end else if (making) begin
      // Two clocks more than the ring needs: the last block is in the buffer when the group counts as made.
      clock_of_group <= clock_of_group == 7'd90 ? 7'd0 : clock_of_group + 7'd1;
      if (clock_of_group == 7'd90) groups_made <= groups_made + 1'b1;
    end else if (group_wanted) begin
      clock_of_group <= 7'd1;
    end
    group_left    <= groups_made <= last_group;
    next_group    <= block_used[BLOCKS:3] + 1'b1;
    half_free     <= groups_made <= next_group;
    making_before <= making;
    group_wanted  <= !rst && phase != IDLE && !making && !making_before && !group_wanted && group_left && half_free;
    rounds_1  <= rounds_done;
    counter_1 <= load_counter;  // the position that leaves is the one that would be loaded
    place_1   <= {groups_made[0], load_position};
    place_2   <= place_1;
    leaves_1  <= leaving && clock_of_group <= 7'd88;
    leaves_2  <= leaves_1;
    for (w = 0; w < 4; w++) keystream_2[32*w+:32] <= rounds_1[32*w+:32] + SIGMA[32*w+:32];
    for (w = 4; w < 12; w++) keystream_2[32*w+:32] <= rounds_1[32*w+:32] + key[32*(w-4)+:32];
    keystream_2[32*12+:32] <= rounds_1[32*12+:32] + counter_1;
    for (w = 13; w < 16; w++) keystream_2[32*w+:32] <= rounds_1[32*w+:32] + nonce[32*(w-13)+:32];
    if (leaves_2) begin
      keystream0[place_2] <= keystream_2[127:0];
      keystream1[place_2] <= keystream_2[255:128];
      keystream2[place_2] <= keystream_2[383:256];
      keystream3[place_2] <= keystream_2[511:384];
    end
  end

  // ---- One word after another.
  logic available, settled;
  wire taken = word_valid && word_ready;
  logic last_word;
  logic [127:0] text, keystream, mask;
  wire [127:0] held_word;
  wire [HOLD_LOG2-1:0] read_address;
  wire [127:0] mixed = (text ^ keystream) & mask;
  wire mac_ready;
  logic [127:0] mac_block;
  wire mac_tag_valid;
  wire [127:0] mac_tag;
  integer b;
  poly1305_serial mac (
      .clk,
      .rst,
      .start(phase == KEYS && groups_made != '0),
      .start_r(keystream0[0]),
      .start_s(keystream1[0]),
      .block_valid(phase == FEED),
      .block_ready(mac_ready),
      .block(mac_block),
      .finish(phase == FINISH && mac_ready),
      .tag_valid(mac_tag_valid),
      .tag(mac_tag)
  );

  wire [HOLD_LOG2+5:0] job_words = ((HOLD_LOG2 + 6)'(job_bytes) + (HOLD_LOG2 + 6)'(15)) >> 4;
  wire streaming;
  logic tag_right;
  logic whole;  // the mask's word lies before the end; if not, `rest` bytes of it do
  logic [3:0] rest;
  always_ff @(posedge clk) begin
    if (rst) phase <= IDLE;
    else
      case (phase)
        IDLE: if (accept) phase <= KEYS;
        KEYS: if (groups_made != '0) phase <= ASSOCIATED;
        ASSOCIATED: phase <= associated_bytes != 5'd0 ? FEED : (words == '0 ? LENGTHS : SETTLE);
        SETTLE: if (settled) phase <= TAKE;
        TAKE: if (taken) phase <= MIX;
        MIX, LENGTHS: phase <= FEED;
        FEED: if (mac_ready) phase <= after_feed;
        TAKE_TAG: if (taken) phase <= FINISH;
        FINISH: if (mac_ready) phase <= TAG;
        TAG: if (mac_tag_valid) phase <= COMPARE;
        COMPARE: phase <= JUDGE;
        JUDGE: phase <= OFFER;
        OFFER: if (result_ready) phase <= result_ok ? STREAM : IDLE;
        STREAM: if (!streaming) phase <= IDLE;
        default: phase <= IDLE;
      endcase

    if (accept) begin
      open             <= job_open;
      key              <= job_key;
      nonce            <= job_nonce;
      associated       <= job_associated;
      associated_bytes <= job_associated_bytes;
      bytes            <= job_bytes;
      words            <= WORDS'(job_words);
      index            <= '0;
      left             <= job_bytes;
      result_user      <= job_user;
      result_check     <= job_check;
    end
    if (taken) begin
      text         <= word;
      result_check <= result_check ^ fold(word);
    end
    if (phase == TAKE_TAG) given_tag <= word;
    // Looked up while the word is taken: the place of a block in the buffer is its number modulo 16.
    case (index[1:0])
      2'd0: keystream <= keystream0[block_used[3:0]];
      2'd1: keystream <= keystream1[block_used[3:0]];
      2'd2: keystream <= keystream2[block_used[3:0]];
      default: keystream <= keystream3[block_used[3:0]];
    endcase
    whole <= left[HOLD_LOG2+4:4] != '0;
    rest  <= left[3:0];
    for (b = 0; b < 16; b++) mask[8*b+:8] <= {8{whole || 4'(b) < rest}};
    last_group <= (BLOCKS - 2)'((words + WORDS'(3)) >> 5);  // not asked for before the first group is made
    block_used <= (BLOCKS + 1)'((index + (WORDS)'(4)) >> 2);
    available  <= groups_made > (BLOCKS - 2)'(block_used[BLOCKS:3]);
    settled    <= phase == SETTLE && !settled;
    last_word  <= index + 1'b1 == words;
    tag_right  <= !open || mac_tag == given_tag;
    word_ready <= !rst && !taken && ((phase == TAKE && available) || phase == TAKE_TAG);
    case (phase)
      ASSOCIATED: begin
        mac_block  <= associated;
        after_feed <= words == '0 ? LENGTHS : SETTLE;
      end
      MIX: begin
        mac_block  <= open ? (text & mask) : mixed;
        after_feed <= last_word ? LENGTHS : SETTLE;
        index      <= index + 1'b1;
        left       <= left - (HOLD_LOG2 + 5)'(16);
      end
      LENGTHS: begin
        mac_block  <= {64'(bytes), 59'd0, associated_bytes};
        after_feed <= open ? TAKE_TAG : FINISH;
      end
      default: ;
    endcase
    if (phase == JUDGE) begin
      result_ok    <= tag_right;
      result_words <= tag_right ? (HOLD_LOG2 + 2)'(words) + (HOLD_LOG2 + 2)'(!open) : '0;
    end
  end

  word_memory #(
      .ADDRESS_BITS(HOLD_LOG2)
  ) held (
      .clk,
      .write(phase == MIX),
      .write_address(index[HOLD_LOG2-1:0]),
      .write_data(mixed),
      .address(read_address),
      .data(held_word)
  );
  assign result_valid = phase == OFFER;
  read_out #(
      .ADDRESS_BITS(HOLD_LOG2)
  ) reader (
      .clk,
      .rst,
      .start(phase == OFFER && result_ready && result_ok),
      .words,
      .with_tag(!open),
      .tag(mac_tag),
      .busy(streaming),
      .address(read_address),
      .data(held_word),
      .out_valid,
      .out_ready,
      .out_word
  );

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, job_words[HOLD_LOG2+5:WORDS]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

// ChaCha20-Poly1305 (RFC 8439 section 2.8), 16 messages at once, for texts of up to 2048 bytes: the fast engine.
//
// Each of 16 lanes has two buffers: while the message in one is worked on, the other is filled, or read out. Jobs are given
// to the lanes in turn and their results leave in the same order. A position of the ChaCha ring and a step of the Poly1305
// barrel belong to one lane in each clock; a lane comes round every 16 clocks (a turn) and makes a 64-byte block every five
// turns. In block time n of a message, from 1 on,
//
//   turn 0       block n - 1 leaves the ring, and block n is loaded; in the last block time, block 0 of the lane's next message
//   turns 0, 1   n = 1: r and s go to the MAC
//   turns 0 - 3  n >= 2: four words of text meet the keystream of block n - 1
//   turn 4       n = 1: associated data enters the MAC; last n: the lengths do, and the tag is asked for
//
// so that a message of b blocks takes b + 1 block times of 80 clocks, and 16 lanes finish one every 5 (b + 1) clocks. Results
// wait in the second memory until the tag is known. Of a text that was opened with a wrong tag nothing is ever read out.
module aead_barrel #(
    parameter int USER_BITS = 96  // travels with the job
) (
    input  logic                 clk,
    input  logic                 rst,
    input  logic                 job_valid,
    output logic                 job_ready,
    input  logic                 job_open,
    input  logic [255:0]         job_key,
    input  logic [95:0]          job_nonce,
    input  logic [127:0]         job_associated,        // zero behind its length
    input  logic [4:0]           job_associated_bytes,
    input  logic [11:0]          job_bytes,
    input  logic [USER_BITS-1:0] job_user,
    input  logic [31:0]          job_check,             // where the fold over the job's words begins
    // Texts of the jobs in their order, 16 bytes a word; of an opening job the tag follows.
    input  logic                 word_valid,
    output logic                 word_ready,
    input  logic [127:0]         word,
    // Results in the order of the jobs, and behind each that is ok its text; of a sealing job the tag follows.
    output logic                 result_valid,
    input  logic                 result_ready,
    output logic                 result_ok,
    output logic [USER_BITS-1:0] result_user,
    output logic [31:0]          result_check,
    output logic [8:0]           result_words,          // that follow
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [127:0]         out_word
);
  localparam logic [127:0] SIGMA = 128'h6b206574_79622d32_3320646e_61707865;

  function automatic logic [31:0] fold(input logic [127:0] value);
    fold = value[31:0] ^ value[63:32] ^ value[95:64] ^ value[127:96];
  endfunction

  // ---- What each of the 32 buffers holds; a buffer is {half, lane}.
  logic [255:0] key_of[0:31];
  logic [95:0] nonce_of[0:31];
  logic [127:0] associated_of[0:31];
  logic [4:0] associated_bytes_of[0:31];
  logic [11:0] bytes_of[0:31];
  logic [7:0] words_of[0:31];
  logic [5:0] last_of[0:31];  // last block time of the message
  logic [USER_BITS-1:0] user_of[0:31];
  logic [31:0] check_of[0:31];  // before the words
  logic [31:0] full_check_of[0:31];
  logic [127:0] given_tag_of[0:31];
  logic [127:0] tag_of[0:31];
  (* ram_style = "distributed" *) logic open_of[0:31];
  (* ram_style = "distributed" *) logic ok_of[0:31];

  // ---- Taking jobs: buffers in turn. The turns count one bit further, to tell all buffers from none.
  logic [5:0] accept_turn, fill_turn, take_turn;
  logic accept, posted, freed;
  wire [4:0] accept_at = accept_turn[4:0];
  wire [4:0] fill_at = fill_turn[4:0];
  wire [4:0] take_at = take_turn[4:0];
  logic room;  // a clock old, and false in the clock behind a job
  assign job_ready = room;
  assign accept = job_valid && job_ready;
  wire [12:0] words_up = 13'(job_bytes) + 13'd15;
  wire [12:0] blocks_up = 13'(job_bytes) + 13'd127;  // 64 times the last block time: that of no text is 2
  always_ff @(posedge clk) begin
    if (accept) begin
      key_of[accept_at]              <= job_key;
      nonce_of[accept_at]            <= job_nonce;
      associated_of[accept_at]       <= job_associated;
      associated_bytes_of[accept_at] <= job_associated_bytes;
      bytes_of[accept_at]            <= job_bytes;
      words_of[accept_at]            <= words_up[11:4];
      last_of[accept_at]             <= blocks_up[11:6] == 6'd1 ? 6'd2 : blocks_up[11:6];
      user_of[accept_at]             <= job_user;
      check_of[accept_at]            <= job_check;
      open_of[accept_at]             <= job_open;
    end
    room <= !rst && !accept && accept_turn != {~take_turn[5], take_at};
    if (rst) accept_turn <= '0;
    else if (accept) accept_turn <= accept_turn + 6'd1;
  end

  // ---- Filling: the words of one buffer after another. A word is taken in one clock and put away in the next.
  localparam logic [2:0] LOOK_UP = 3'd0, COUNT = 3'd1, BEGIN = 3'd2, TAKE = 3'd3, POST = 3'd4;
  logic [2:0] fill_phase;
  logic [7:0] fill_left;  // words to come, from BEGIN on the tag among them
  logic fill_tag, last_word;
  logic [6:0] fill_index;
  logic [31:0] fill_check;
  logic put, put_tag;
  logic [127:0] put_word;
  logic [6:0] put_index;
  wire fill_word = word_valid && word_ready;
  assign posted = fill_phase == POST && !put;
  always_ff @(posedge clk) begin
    if (rst) begin
      fill_phase <= LOOK_UP;
      fill_turn  <= '0;
      word_ready <= 1'b0;
      put        <= 1'b0;
    end else begin
      put <= fill_word;
      case (fill_phase)
        LOOK_UP: if (fill_turn != accept_turn) fill_phase <= COUNT;
        COUNT: fill_phase <= BEGIN;
        BEGIN: begin
          fill_phase <= fill_left == 8'd0 ? POST : TAKE;
          word_ready <= fill_left != 8'd0;
        end
        TAKE:
        if (fill_word && last_word) begin
          fill_phase <= POST;
          word_ready <= 1'b0;
        end
        default:
        if (posted) begin
          fill_phase <= LOOK_UP;
          fill_turn  <= fill_turn + 6'd1;
        end
      endcase
    end
    if (fill_phase == LOOK_UP) begin
      fill_left  <= words_of[fill_at];
      fill_tag   <= open_of[fill_at];
      fill_index <= '0;
    end else if (fill_phase == COUNT) begin
      fill_left <= fill_left + 8'(fill_tag);
    end else if (fill_phase == BEGIN) begin
      last_word <= fill_left == 8'd1;
    end else if (fill_word) begin
      fill_left  <= fill_left - 8'd1;
      last_word  <= fill_left == 8'd2;
      fill_index <= fill_index + 7'd1;
    end
    put_word  <= word;
    put_index <= fill_index;
    put_tag   <= last_word && fill_tag;
    if (fill_phase == LOOK_UP) fill_check <= check_of[fill_at];
    else if (put) fill_check <= fill_check ^ fold(put_word);
    if (put && put_tag) given_tag_of[fill_at] <= put_word;
    if (posted) full_check_of[fill_at] <= fill_check;
  end

  // ---- The lanes. Their states go round, a place in each clock: the lane in place NOW is the one whose turn it is, and `ahead2`
  // and `ahead` run two clocks and one before it, so that its numbers can be looked up.
  localparam int AHEAD3 = 15, AHEAD2 = 0, AHEAD = 1, NOW = 2, BEHIND = 3;
  logic [15:0] active;  // works on a message
  logic [15:0] ending;  // in the last block time of it
  logic [15:0] half;
  logic [15:0] begun;   // block 0 of its next message was loaded
  logic [5:0] block_time[0:15];
  function automatic logic [15:0] around(input logic [15:0] places, input logic behind);
    around = {places[14:0], places[15]};
    around[BEHIND+1] = behind;
  endfunction
  logic [3:0] lane_ahead2;
  logic [2:0] turn_ahead2, turn_ahead, turn;
  logic [4:0] buffer_ahead, key_buffer_ahead, next_buffer_ahead2, next_buffer_ahead, buffer, next_buffer;
  logic [31:0] pending;  // buffers that were filled and wait for their lane
  logic [7:0] pending_ahead;  // the eight among which the lane's next buffer is
  logic [5:0] load_time, last_time;
  logic load, at_first_mac, at_text, next_waits;
  logic [255:0] key;  // in turn 0 that of the block that is loaded, in the others of the block that leaves
  logic [95:0] nonce;
  logic [11:0] bytes;
  logic [4:0] associated_bytes;
  logic opening;
  always_ff @(posedge clk) begin
    if (rst) begin
      {turn_ahead2, lane_ahead2} <= '0;
      load                       <= 1'b0;
    end else begin
      lane_ahead2 <= lane_ahead2 + 4'd1;
      if (lane_ahead2 == 4'd15) turn_ahead2 <= turn_ahead2 == 3'd4 ? 3'd0 : turn_ahead2 + 3'd1;
      load <= turn_ahead == 3'd0;
    end
    turn_ahead               <= turn_ahead2;
    turn                     <= turn_ahead;
    buffer_ahead             <= {half[AHEAD2], lane_ahead2};
    key_buffer_ahead         <= {half[AHEAD2] ^ (turn_ahead2 == 3'd0 && ending[AHEAD2]), lane_ahead2};
    next_buffer_ahead2       <= {half[AHEAD3] ^ ending[AHEAD3], lane_ahead2 + 4'd1};
    next_buffer_ahead        <= next_buffer_ahead2;
    pending_ahead            <= pending[{next_buffer_ahead2[4:3], 3'd0}+:8];
    buffer                   <= buffer_ahead;
    next_buffer              <= next_buffer_ahead;
    key                      <= key_of[key_buffer_ahead];
    nonce                    <= nonce_of[key_buffer_ahead];
    bytes                    <= bytes_of[buffer_ahead];
    associated_bytes         <= associated_bytes_of[buffer_ahead];
    opening                  <= open_of[buffer_ahead];
    last_time                <= last_of[buffer_ahead];
    next_waits               <= pending_ahead[next_buffer_ahead[2:0]];
    load_time                <= active[AHEAD] && !ending[AHEAD] ? block_time[AHEAD] : 6'd0;
    at_first_mac             <= active[AHEAD] && block_time[AHEAD] == 6'd1;
    at_text                  <= active[AHEAD] && block_time[AHEAD] >= 6'd2;
  end

  // A lane that ends its message in this block time, or has none, begins the next one in turn 0 if it waits; this is that
  // one's block time 0. The two halves strictly alternate. What happens in P0 is written a clock later.
  wire block_ends = turn == 3'd4;
  wire goes_on = active[NOW] && !ending[NOW];
  logic posted_p1, begins_p1, block_ends_p1, goes_on_p1, last_next_p1;
  logic [4:0] posted_at_p1, begins_at_p1;
  logic [5:0] time_behind_p1;
  integer place;
  always_ff @(posedge clk) begin
    begins_p1      <= load && !goes_on && next_waits;
    begins_at_p1   <= next_buffer;
    block_ends_p1  <= block_ends;
    goes_on_p1     <= goes_on;
    time_behind_p1 <= block_time[NOW] + 6'd1;
    last_next_p1   <= block_time[NOW] + 6'd1 == last_time;
    posted_p1      <= posted;
    posted_at_p1   <= fill_at;
    active <= around(active, block_ends_p1 ? goes_on_p1 || begun[BEHIND] : active[BEHIND]);
    ending <= around(ending, block_ends_p1 ? goes_on_p1 && last_next_p1 : ending[BEHIND]);
    half   <= around(half, half[BEHIND] ^ (block_ends_p1 && ending[BEHIND]));
    begun  <= around(begun, !block_ends_p1 && (begun[BEHIND] || begins_p1));
    for (place = 0; place < 16; place++) block_time[place] <= block_time[(place+15)%16];
    if (block_ends_p1) block_time[BEHIND+1] <= goes_on_p1 ? time_behind_p1 : 6'd1;
    if (posted_p1) pending[posted_at_p1] <= 1'b1;
    if (begins_p1) pending[begins_at_p1] <= 1'b0;
    if (rst) begin
      {active, ending, half, begun} <= '0;
      pending   <= '0;
      posted_p1 <= 1'b0;
      begins_p1 <= 1'b0;
    end
  end

  // ---- The ring, and beside it the part of the initial state that RFC 8439 section 2.3 adds to the word of this turn.
  wire [511:0] rounds_done;
  chacha_ring #(
      .ROUNDS(4)
  ) ring (
      .clk,
      .load,
      .initial_state({nonce, 26'd0, load_time, key, SIGMA}),
      .rounds_done
  );
  logic [511:0] rounds_p1;
  logic [127:0] initial_p1, initial_p2, initial_p3;
  wire [5:0] counter = block_time[NOW] - 6'd1;
  always_ff @(posedge clk) begin
    rounds_p1 <= rounds_done;
    case (turn[1:0])
      2'd0: initial_p1 <= SIGMA;
      2'd1: initial_p1 <= key[127:0];
      2'd2: initial_p1 <= key[255:128];
      default: initial_p1 <= {nonce, 26'd0, counter};
    endcase
    {initial_p2, initial_p3} <= {initial_p1, initial_p2};
  end

  // ---- Beside it, what the lane does this turn, from P0 (now) to P4, where the MAC takes it.
  wire [6:0] index = {5'(block_time[NOW] - 6'd2), turn[1:0]};
  logic [4:0] buffer_p1, buffer_p2, buffer_p3, buffer_p4;
  logic [6:0] index_p1, index_p2, index_p3, index_p4;
  logic [11:0] bytes_p1, bytes_p2, bytes_p3, left_p2;  // left: from this word on
  logic [4:0] associated_bytes_p1, associated_bytes_p2, associated_bytes_p3;
  logic [1:0] turn_p1, turn_p2;
  logic opening_p1, opening_p2, opening_p3, opening_p4;
  logic text_p1, text_p2, text_p3, text_p4;
  logic associated_p1, associated_p2, associated_p3;
  logic lengths_p1, lengths_p2, lengths_p3, last_p4;
  logic r_p1, r_p2, r_p3, r_p4, s_p1, s_p2, s_p3, s_p4;
  logic leaves_p1;
  always_ff @(posedge clk) begin
    {buffer_p1, buffer_p2, buffer_p3, buffer_p4} <= {buffer, buffer_p1, buffer_p2, buffer_p3};
    {index_p1, index_p2, index_p3, index_p4} <= {index, index_p1, index_p2, index_p3};
    {bytes_p1, bytes_p2, bytes_p3} <= {bytes, bytes_p1, bytes_p2};
    {associated_bytes_p1, associated_bytes_p2, associated_bytes_p3} <= {
      associated_bytes, associated_bytes_p1, associated_bytes_p2
    };
    {turn_p1, turn_p2} <= {turn[1:0], turn_p1};
    {opening_p1, opening_p2, opening_p3, opening_p4} <= {opening, opening_p1, opening_p2, opening_p3};
    text_p1 <= at_text && !turn[2] && {1'b0, index, 4'd0} < bytes;
    {text_p2, text_p3, text_p4} <= rst ? 3'd0 : {text_p1, text_p2, text_p3};
    associated_p1 <= at_first_mac && block_ends && associated_bytes != 5'd0;
    {associated_p2, associated_p3} <= rst ? 2'd0 : {associated_p1, associated_p2};
    lengths_p1 <= ending[NOW] && block_ends;
    {lengths_p2, lengths_p3, last_p4} <= rst ? 3'd0 : {lengths_p1, lengths_p2, lengths_p3};
    r_p1 <= at_first_mac && load;
    {r_p2, r_p3, r_p4} <= rst ? 3'd0 : {r_p1, r_p2, r_p3};
    s_p1 <= at_first_mac && turn == 3'd1;
    {s_p2, s_p3, s_p4} <= rst ? 3'd0 : {s_p1, s_p2, s_p3};
    leaves_p1 <= load;
  end

  // ---- P1: each lane's block, 128 bits for each of four turns. P1 to P3: the word of text.
  logic [127:0] rounds0[0:15];
  logic [127:0] rounds1[0:15];
  logic [127:0] rounds2[0:15];
  logic [127:0] rounds3[0:15];
  logic [127:0] text_word_p4;
  wire [127:0] text_word_p3;
  logic whole_p3;
  logic [3:0] rest_p3;
  wire [3:0] lane_p1 = buffer_p1[3:0];
  always_ff @(posedge clk) begin
    if (leaves_p1) begin
      rounds0[lane_p1] <= rounds_p1[127:0];
      rounds1[lane_p1] <= rounds_p1[255:128];
      rounds2[lane_p1] <= rounds_p1[383:256];
      rounds3[lane_p1] <= rounds_p1[511:384];
    end
    left_p2  <= bytes_p1 - {1'b0, index_p1, 4'd0};
    whole_p3 <= left_p2[11:4] != 8'd0;
    rest_p3  <= left_p2[3:0];
  end
  word_memory texts (
      .clk,
      .write(put && !put_tag),
      .write_address({fill_at, put_index}),
      .write_data(put_word),
      .address({buffer_p1, index_p1}),
      .data(text_word_p3)
  );

  // ---- P2: the turn's part of the block looked up. P3: keystream made of it, bytes behind the end masked. P4: text meets
  // keystream, the MAC's block chosen.
  logic [127:0] rounds_p3, keystream_p4, mask_p4, other_p4, mac_block_p5;
  logic other_used_p4, mac_p4;
  wire [3:0] lane_p2 = buffer_p2[3:0];
  integer b, w;
  always_ff @(posedge clk) begin
    case (turn_p2)
      2'd0: rounds_p3 <= rounds0[lane_p2];
      2'd1: rounds_p3 <= rounds1[lane_p2];
      2'd2: rounds_p3 <= rounds2[lane_p2];
      default: rounds_p3 <= rounds3[lane_p2];
    endcase
    for (w = 0; w < 4; w++) keystream_p4[32*w+:32] <= rounds_p3[32*w+:32] + initial_p3[32*w+:32];
    text_word_p4 <= text_word_p3;
    for (b = 0; b < 16; b++) mask_p4[8*b+:8] <= {8{whole_p3 || 4'(b) < rest_p3}};
    other_p4 <= lengths_p3 ? {52'd0, bytes_p3, 59'd0, associated_bytes_p3} : associated_of[buffer_p3];
    other_used_p4 <= lengths_p3 | associated_p3;
    mac_p4 <= rst ? 1'b0 : (text_p3 | associated_p3 | lengths_p3);
  end
  wire [127:0] result_p4 = (text_word_p4 ^ keystream_p4) & mask_p4;
  logic result_write;
  logic [11:0] result_address;
  logic [127:0] result_word;
  wire [127:0] stored_word;
  wire [6:0] read_address;
  always_ff @(posedge clk) begin
    mac_block_p5   <= other_used_p4 ? other_p4 : (opening_p4 ? (text_word_p4 & mask_p4) : result_p4);
    result_word    <= result_p4;
    result_address <= {buffer_p4, index_p4};
    result_write   <= rst ? 1'b0 : text_p4;
  end
  word_memory results (
      .clk,
      .write(result_write),
      .write_address(result_address),
      .write_data(result_word),
      .address({take_at, read_address}),
      .data(stored_word)
  );

  wire tag_valid;
  wire [3:0] tag_lane;
  wire [127:0] tag;
  poly1305_barrel mac (
      .clk,
      .rst,
      .lane(buffer_p4[3:0]),
      .take_r(r_p4),
      .take_s(s_p4),
      .key(keystream_p4),
      .add(mac_p4),
      .last(last_p4),
      .block(mac_block_p5),
      .tag_valid,
      .tag_lane,
      .tag
  );

  // ---- Tags come 22 clocks behind P4, each for the half that its lane worked on then. Compared in full, whatever the difference.
  // A buffer is done when its bit differs from the turn's highest: the bit changes with every message of the buffer.
  localparam int TAG_CLOCKS = 22;
  logic [TAG_CLOCKS-1:0] half_behind;
  logic [31:0] done;
  logic tag_known, tag_compared;
  logic [4:0] tag_buffer, compared_buffer;
  logic [127:0] tag_made;
  logic [15:0] different;
  logic compared_open;
  integer g;
  always_ff @(posedge clk) begin
    half_behind     <= {half_behind[TAG_CLOCKS-2:0], buffer_p4[4]};
    tag_known       <= tag_valid && !rst;
    tag_buffer      <= {half_behind[TAG_CLOCKS-1], tag_lane};
    tag_made        <= tag;
    tag_compared    <= tag_known && !rst;
    compared_buffer <= tag_buffer;
    compared_open   <= open_of[tag_buffer];
    for (g = 0; g < 16; g++) different[g] <= tag_made[8*g+:8] != given_tag_of[tag_buffer][8*g+:8];
    if (tag_known) tag_of[tag_buffer] <= tag_made;
    if (tag_compared) ok_of[compared_buffer] <= !compared_open || different == 16'd0;
    if (rst) done <= '0;
    else if (tag_compared) done[compared_buffer] <= ~done[compared_buffer];
  end

  // ---- Results leave in the order of the buffers.
  localparam logic [1:0] WAIT = 2'd0, MEASURE = 2'd1, OFFER = 2'd2, STREAM = 2'd3;
  logic [1:0] phase;
  // Two clocks old, and false in the two clocks behind a result: eight buffers, then the one among them.
  logic [7:0] take_row;
  logic take_done, freed_before;
  logic take_open;
  logic [127:0] take_tag;
  logic [7:0] take_words;
  wire streaming;
  wire begin_stream = phase == OFFER && result_ready && result_ok;
  assign result_valid = phase == OFFER;
  assign freed = (phase == OFFER && result_ready && !result_ok) || (phase == STREAM && !streaming);
  always_ff @(posedge clk) begin
    if (rst) begin
      phase     <= WAIT;
      take_turn <= '0;
      take_done <= 1'b0;
    end else begin
      case (phase)
        WAIT: if (take_done) phase <= MEASURE;
        MEASURE: phase <= OFFER;
        OFFER: if (result_ready) phase <= result_ok ? STREAM : WAIT;
        default: if (!streaming) phase <= WAIT;
      endcase
      if (freed) take_turn <= take_turn + 6'd1;
      take_done <= !freed && !freed_before && take_row[take_at[2:0]] != take_turn[5];
    end
    freed_before <= freed;
    take_row     <= done[{take_at[4:3], 3'd0}+:8];
    if (phase == WAIT) begin
      take_open    <= open_of[take_at];
      take_tag     <= tag_of[take_at];
      take_words   <= words_of[take_at];
      result_ok    <= ok_of[take_at];
      result_user  <= user_of[take_at];
      result_check <= full_check_of[take_at];
    end
    if (phase == MEASURE) result_words <= result_ok ? {1'b0, take_words} + 9'(!take_open) : 9'd0;
  end
  read_out #(
      .ADDRESS_BITS(7)
  ) reader (
      .clk,
      .rst,
      .start(begin_stream),
      .words(take_words),
      .with_tag(!take_open),
      .tag(take_tag),
      .busy(streaming),
      .address(read_address),
      .data(stored_word),
      .out_valid,
      .out_ready,
      .out_word
  );

  /* verilator lint_off UNUSEDSIGNAL */
  wire unused = &{1'b0, words_up[12], words_up[3:0], blocks_up[12], blocks_up[5:0]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

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
  logic [31:0] open_of, ok_of, used, pending, done;

  // ---- Taking jobs: buffers in turn. The turns count one bit further, to tell all buffers from none.
  logic [5:0] accept_turn, fill_turn;
  logic [4:0] take_at;
  logic accept, posted, freed;
  wire [4:0] accept_at = accept_turn[4:0];
  wire [4:0] fill_at = fill_turn[4:0];
  logic room;  // a clock old, and false in the clock behind a job
  assign job_ready = room;
  assign accept = job_valid && job_ready;
  wire [6:0] blocks = 7'((13'(job_bytes) + 13'd63) >> 6);
  wire [12:0] words_up = 13'(job_bytes) + 13'd15;
  always_ff @(posedge clk) begin
    if (accept) begin
      key_of[accept_at]              <= job_key;
      nonce_of[accept_at]            <= job_nonce;
      associated_of[accept_at]       <= job_associated;
      associated_bytes_of[accept_at] <= job_associated_bytes;
      bytes_of[accept_at]            <= job_bytes;
      words_of[accept_at]            <= words_up[11:4];
      last_of[accept_at]             <= blocks == 7'd0 ? 6'd2 : blocks[5:0] + 6'd1;
      user_of[accept_at]             <= job_user;
      check_of[accept_at]            <= job_check;
      open_of[accept_at]             <= job_open;
    end
    room <= !rst && !accept && !used[accept_at];
    if (rst) begin
      accept_turn <= '0;
      used        <= '0;
    end else begin
      if (accept) begin
        accept_turn     <= accept_turn + 6'd1;
        used[accept_at] <= 1'b1;
      end
      if (freed) used[take_at] <= 1'b0;
    end
  end

  // ---- Filling: the words of one buffer after another. A word is taken in one clock and put away in the next.
  localparam logic [1:0] LOOK_UP = 2'd0, COUNT = 2'd1, TAKE = 2'd2, POST = 2'd3;
  logic [1:0] fill_phase;
  logic [7:0] fill_left;  // words to come, the tag among them; in COUNT without it
  logic fill_tag, last_word;
  logic [6:0] fill_index;
  logic [31:0] fill_check;
  logic put, put_tag;
  logic [127:0] put_word;
  logic [6:0] put_index;
  wire fill_word = word_valid && word_ready;
  wire [7:0] fill_words = fill_left + 8'(fill_tag);
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
        COUNT: begin
          fill_phase <= fill_words == 8'd0 ? POST : TAKE;
          word_ready <= fill_words != 8'd0;
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
      fill_left <= fill_words;
      last_word <= fill_words == 8'd1;
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

  // ---- The lane whose turn it is. `ahead2` and `ahead` run two clocks and one before it, so that its numbers can be looked
  // up. Key and nonce are those of the block that is loaded in turn 0, and of the block that leaves in the others.
  logic [3:0] lane_ahead2, lane_ahead, lane;
  logic [2:0] turn_ahead2, turn_ahead, turn;
  logic [4:0] buffer_ahead, buffer, key_buffer_ahead;
  logic [15:0] active, ending, half, begun;  // of each lane; begun: its next message, whose block 0 was loaded
  logic [5:0] block_time_of[0:15];
  logic [5:0] block_time, load_time, last_time;
  logic load, working, at_last, at_first_mac, at_text, next_waits;
  logic [255:0] key;
  logic [95:0] nonce;
  logic [11:0] bytes;
  logic [4:0] associated_bytes;
  logic opening;
  wire [5:0] time_ahead = block_time_of[lane_ahead];
  wire goes_on_ahead = active[lane_ahead] && !ending[lane_ahead];
  always_ff @(posedge clk) begin
    if (rst) begin
      {turn_ahead2, lane_ahead2} <= '0;
      {turn_ahead, lane_ahead}   <= {3'd4, 4'd15};
      {turn, lane}               <= {3'd4, 4'd14};
      load                       <= 1'b0;
    end else begin
      lane_ahead2 <= lane_ahead2 + 4'd1;
      if (lane_ahead2 == 4'd15) turn_ahead2 <= turn_ahead2 == 3'd4 ? 3'd0 : turn_ahead2 + 3'd1;
      {turn_ahead, lane_ahead} <= {turn_ahead2, lane_ahead2};
      {turn, lane}             <= {turn_ahead, lane_ahead};
      load                     <= turn_ahead == 3'd0;
    end
    buffer_ahead     <= {half[lane_ahead2], lane_ahead2};
    key_buffer_ahead <= {half[lane_ahead2] ^ (turn_ahead2 == 3'd0 && ending[lane_ahead2]), lane_ahead2};
    buffer           <= buffer_ahead;
    key              <= key_of[key_buffer_ahead];
    nonce            <= nonce_of[key_buffer_ahead];
    bytes            <= bytes_of[buffer_ahead];
    associated_bytes <= associated_bytes_of[buffer_ahead];
    opening          <= open_of[buffer_ahead];
    last_time        <= last_of[buffer_ahead];
    next_waits       <= pending[{buffer_ahead[4] ^ ending[lane_ahead], lane_ahead}];
    working          <= active[lane_ahead];
    at_last          <= ending[lane_ahead];
    block_time       <= time_ahead;
    load_time        <= goes_on_ahead ? time_ahead : 6'd0;
    at_first_mac     <= time_ahead == 6'd1;
    at_text          <= time_ahead >= 6'd2;
  end

  // A lane that ends its message in this block time, or has none, begins the next one in turn 0 if it waits; its block time 0
  // is this one. The two halves strictly alternate.
  wire block_ends = turn == 3'd4;
  wire goes_on = working && !at_last;
  wire [5:0] time_behind = block_time + 6'd1;
  always_ff @(posedge clk) begin
    if (block_ends) block_time_of[lane] <= goes_on ? time_behind : 6'd1;
    if (rst) begin
      pending <= '0;
      active  <= '0;
      ending  <= '0;
      half    <= '0;
      begun   <= '0;
    end else begin
      if (posted) pending[fill_at] <= 1'b1;
      if (load && !goes_on && next_waits) begin
        begun[lane]                         <= 1'b1;
        pending[{buffer[4] ^ at_last, lane}] <= 1'b0;
      end
      if (block_ends) begin
        active[lane] <= goes_on || begun[lane];
        ending[lane] <= goes_on && time_behind == last_time;
        half[lane]   <= buffer[4] ^ at_last;
        begun[lane]  <= 1'b0;
      end
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
  wire [5:0] counter = block_time - 6'd1;
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
  wire [6:0] index = {5'(block_time - 6'd2), turn[1:0]};
  logic [4:0] buffer_p1, buffer_p2, buffer_p3, buffer_p4;
  logic [6:0] index_p1, index_p2, index_p3, index_p4;
  logic [11:0] bytes_p1, bytes_p2, bytes_p3;
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
    text_p1 <= working && at_text && !turn[2] && {1'b0, index, 4'd0} < bytes;
    {text_p2, text_p3, text_p4} <= rst ? 3'd0 : {text_p1, text_p2, text_p3};
    associated_p1 <= working && at_first_mac && block_ends && associated_bytes != 5'd0;
    {associated_p2, associated_p3} <= rst ? 2'd0 : {associated_p1, associated_p2};
    lengths_p1 <= working && at_last && block_ends;
    {lengths_p2, lengths_p3, last_p4} <= rst ? 3'd0 : {lengths_p1, lengths_p2, lengths_p3};
    r_p1 <= working && at_first_mac && load;
    {r_p2, r_p3, r_p4} <= rst ? 3'd0 : {r_p1, r_p2, r_p3};
    s_p1 <= working && at_first_mac && turn == 3'd1;
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
  logic [11:0] left_p3;
  wire [3:0] lane_p1 = buffer_p1[3:0];
  always_ff @(posedge clk) begin
    if (leaves_p1) begin
      rounds0[lane_p1] <= rounds_p1[127:0];
      rounds1[lane_p1] <= rounds_p1[255:128];
      rounds2[lane_p1] <= rounds_p1[383:256];
      rounds3[lane_p1] <= rounds_p1[511:384];
    end
    left_p3 <= bytes_p2 - {1'b0, index_p2, 4'd0};
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
    for (b = 0; b < 16; b++) mask_p4[8*b+:8] <= {8{left_p3[11:4] != 8'd0 || 4'(b) < left_p3[3:0]}};
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

  // ---- The tag belongs to the half that the lane has left. Compared in full, whatever the difference.
  logic tag_known, tag_compared;
  logic [4:0] tag_buffer, compared_buffer;
  logic [127:0] tag_made;
  logic [15:0] different;
  logic compared_open;
  integer g;
  always_ff @(posedge clk) begin
    tag_known       <= tag_valid && !rst;
    tag_buffer      <= {~half[tag_lane], tag_lane};
    tag_made        <= tag;
    tag_compared    <= tag_known && !rst;
    compared_buffer <= tag_buffer;
    compared_open   <= open_of[tag_buffer];
    for (g = 0; g < 16; g++) different[g] <= tag_made[8*g+:8] != given_tag_of[tag_buffer][8*g+:8];
    if (tag_known) tag_of[tag_buffer] <= tag_made;
    if (tag_compared) ok_of[compared_buffer] <= !compared_open || different == 16'd0;
    if (rst) begin
      done <= '0;
    end else begin
      if (tag_compared) done[compared_buffer] <= 1'b1;
      if (freed) done[take_at] <= 1'b0;
    end
  end

  // ---- Results leave in the order of the buffers.
  localparam logic [1:0] WAIT = 2'd0, MEASURE = 2'd1, OFFER = 2'd2, STREAM = 2'd3;
  logic [1:0] phase;
  logic take_open;
  logic [127:0] take_tag;
  logic [7:0] take_words;
  wire streaming;
  wire begin_stream = phase == OFFER && result_ready && result_ok;
  assign result_valid = phase == OFFER;
  assign freed = (phase == OFFER && result_ready && !result_ok) || (phase == STREAM && !streaming);
  always_ff @(posedge clk) begin
    if (rst) begin
      phase   <= WAIT;
      take_at <= '0;
    end else begin
      case (phase)
        WAIT: if (done[take_at]) phase <= MEASURE;
        MEASURE: phase <= OFFER;
        OFFER: if (result_ready) phase <= result_ok ? STREAM : WAIT;
        default: if (!streaming) phase <= WAIT;
      endcase
      if (freed) take_at <= take_at + 5'd1;
    end
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
  wire unused = &{1'b0, words_up[12], words_up[3:0]};
  /* verilator lint_on UNUSEDSIGNAL */
endmodule

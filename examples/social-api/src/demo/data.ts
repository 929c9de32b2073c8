/**
 * The demo community: the same users, posts and votes every time, so that a class and its exercises can speak of them.
 *
 * The hashes are of DEMO_PASSWORD at cost 12. They are written here, and not made at each start, for the same reason.
 */
export const DEMO_PASSWORD = 'tomatoes in june'

export interface DemoUser {
  email: string
  password: string
  role: 'user' | 'admin'
  created_at: string
}

export interface DemoPost {
  author: string
  title: string
  content: string
  published: boolean
  created_at: string
  voters: string[]
}

export const DEMO_USERS: readonly DemoUser[] = [
  {
    email: 'maya@example.com',
    password: '$2b$12$Bt9g30O8IJq6ZR8pME057OgNq8RJfHDVcNq0CljgwvbV4y1Z9VVcu',
    role: 'user',
    created_at: '2026-01-05T08:00:00Z',
  },
  {
    email: 'tomasz@example.com',
    password: '$2b$12$JRlDuu4kfe4ORC/6Zrct.efZnFIEfIOj71rcdkw/yt8C0qNzwCfbS',
    role: 'user',
    created_at: '2026-01-06T09:17:00Z',
  },
  {
    email: 'ines@example.com',
    password: '$2b$12$b6oJA5hpw1XptD8jXEetjuP8Mz7lP1umYXnQWSq5rtAlXkTMU0TyW',
    role: 'user',
    created_at: '2026-01-07T10:34:00Z',
  },
  {
    email: 'kofi@example.com',
    password: '$2b$12$jfkOQ7ubsWKy51I8xxjZWe.7yz3sHXu92j8w2VuwV9xAQaP01lbha',
    role: 'user',
    created_at: '2026-01-08T11:51:00Z',
  },
  {
    email: 'noor@example.com',
    password: '$2b$12$b/WTfCPROP4jUXO2ZV1g4OROAZLhwmAMGvt8m8zOGMHTV7lstr71e',
    role: 'admin',
    created_at: '2026-01-09T12:08:00Z',
  },
  {
    email: 'lars@example.com',
    password: '$2b$12$NYsa.BNTutrc/nnRBthqhuIy1zDnudUfTs2TmcH5h29rGTufDjtna',
    role: 'user',
    created_at: '2026-01-10T13:25:00Z',
  },
  {
    email: 'yuki@example.com',
    password: '$2b$12$MMPCu2EGTMkcEFacYg/st.Ol84k6GilcqCoHlQ4EDMXYCQbSEih2C',
    role: 'user',
    created_at: '2026-01-11T14:42:00Z',
  },
  {
    email: 'elena@example.com',
    password: '$2b$12$WblL6zA32h7re.SHeAP5XOONrXGdlL6rykO2rDAjQVTvlXWC.1lu.',
    role: 'user',
    created_at: '2026-01-12T15:59:00Z',
  },
]

export const DEMO_POSTS: readonly DemoPost[] = [
  {
    author: 'maya@example.com',
    title: 'Tomatoes on a north-facing balcony',
    content:
      'They grow. Slowly, but they grow. Two plants of a cherry variety, one shelf, and a white wall behind them that gives back what light there is.',
    published: true,
    created_at: '2026-01-15T12:42:00Z',
    voters: [
      'tomasz@example.com',
      'ines@example.com',
      'kofi@example.com',
      'yuki@example.com',
      'elena@example.com',
    ],
  },
  {
    author: 'tomasz@example.com',
    title: 'Who has a ladder I could borrow on Saturday?',
    content:
      'The gutter over the bicycle shed is full of leaves again. I bring it back the same evening, with cake.',
    published: true,
    created_at: '2026-01-15T18:23:00Z',
    voters: ['maya@example.com', 'lars@example.com'],
  },
  {
    author: 'ines@example.com',
    title: 'A recipe for too many courgettes',
    content:
      'Grate them, salt them, wait, squeeze them, and fry them with an egg and whatever cheese is left. Works cold the next day.',
    published: true,
    created_at: '2026-01-17T17:30:00Z',
    voters: [
      'maya@example.com',
      'kofi@example.com',
      'noor@example.com',
      'yuki@example.com',
      'elena@example.com',
      'lars@example.com',
    ],
  },
  {
    author: 'kofi@example.com',
    title: 'The 7:12 bus now leaves at 7:09',
    content: 'Nobody told us, the driver neither. Set your alarm three minutes earlier or run, as I did.',
    published: true,
    created_at: '2026-01-18T05:03:00Z',
    voters: ['tomasz@example.com', 'ines@example.com', 'noor@example.com'],
  },
  {
    author: 'noor@example.com',
    title: 'Welcome, and three rules',
    content:
      'Be kind, say where you have a thing from, and never post what a neighbour told you in confidence. I delete what breaks them.',
    published: true,
    created_at: '2026-01-19T04:59:00Z',
    voters: [
      'maya@example.com',
      'tomasz@example.com',
      'ines@example.com',
      'kofi@example.com',
      'lars@example.com',
      'yuki@example.com',
      'elena@example.com',
    ],
  },
  {
    author: 'lars@example.com',
    title: 'Found: one blue child’s mitten',
    content: 'It hangs on the fence by the playground, on the second post from the gate.',
    published: true,
    created_at: '2026-01-20T10:18:00Z',
    voters: ['maya@example.com', 'elena@example.com'],
  },
  {
    author: 'yuki@example.com',
    title: 'Sourdough starter to give away',
    content: 'Fourteen years old, survived two moves. Bring a jar with a lid that does not close tight.',
    published: true,
    created_at: '2026-01-20T15:20:00Z',
    voters: ['maya@example.com', 'ines@example.com', 'kofi@example.com', 'elena@example.com'],
  },
  {
    author: 'elena@example.com',
    title: 'Choir practice moves to Thursday',
    content: 'From February on, half past seven, same hall. Tenors wanted: we have one, and he has a cold.',
    published: true,
    created_at: '2026-01-22T14:32:00Z',
    voters: ['ines@example.com', 'lars@example.com'],
  },
  {
    author: 'maya@example.com',
    title: 'What eats my basil at night?',
    content:
      'Holes, no slugs to be seen, no trails. I sat up with a torch until one o’clock and saw nothing but a cat.',
    published: true,
    created_at: '2026-01-23T02:13:00Z',
    voters: ['yuki@example.com'],
  },
  {
    author: 'tomasz@example.com',
    title: 'Ladder returned, cake eaten',
    content: 'Thank you, Lars. The shed is dry.',
    published: true,
    created_at: '2026-01-24T01:20:00Z',
    voters: ['lars@example.com', 'maya@example.com', 'noor@example.com'],
  },
  {
    author: 'kofi@example.com',
    title: 'Learning SQL in the library',
    content:
      'Every Tuesday at six, the small room upstairs. We start with SELECT and stop when they put out the lights.',
    published: true,
    created_at: '2026-01-25T06:53:00Z',
    voters: [
      'ines@example.com',
      'yuki@example.com',
      'elena@example.com',
      'noor@example.com',
      'tomasz@example.com',
    ],
  },
  {
    author: 'ines@example.com',
    title: '100% wool: how not to ruin it',
    content: 'Cold water, no spin, flat on a towel. I ruined three pullovers so that you need not.',
    published: true,
    created_at: '2026-01-25T12:49:00Z',
    voters: ['maya@example.com', 'elena@example.com', 'lars@example.com'],
  },
  {
    author: 'lars@example.com',
    title: 'Repair café, first Saturday of the month',
    content:
      'Toasters, lamps, zips and bicycles. We mend it with you, not for you. Coffee for a coin in the box.',
    published: true,
    created_at: '2026-01-27T12:08:00Z',
    voters: [
      'maya@example.com',
      'tomasz@example.com',
      'ines@example.com',
      'kofi@example.com',
      'yuki@example.com',
      'elena@example.com',
    ],
  },
  {
    author: 'yuki@example.com',
    title: 'Long exposure of the harbour at 5 a.m.',
    content:
      'Tripod on the mole, 30 seconds, f/11. The green light is the ferry that was not supposed to be there.',
    published: true,
    created_at: '2026-01-27T23:10:00Z',
    voters: ['maya@example.com', 'noor@example.com'],
  },
  {
    author: 'elena@example.com',
    title: 'Is anybody else without water on Mill Street?',
    content: 'Since about nine. The hotline says 404 in human words.',
    published: true,
    created_at: '2026-01-28T22:22:00Z',
    voters: ['kofi@example.com', 'tomasz@example.com'],
  },
  {
    author: 'elena@example.com',
    title: 'Water is back',
    content: 'A pump, they say. It runs brown for a minute: let it.',
    published: true,
    created_at: '2026-01-30T04:03:00Z',
    voters: ['kofi@example.com', 'tomasz@example.com', 'maya@example.com'],
  },
  {
    author: 'noor@example.com',
    title: 'Why posts disappear',
    content:
      'I took down one this week, with names in it. The author knows why and agreed. Ask me if you have doubts.',
    published: true,
    created_at: '2026-01-30T09:10:00Z',
    voters: ['ines@example.com', 'lars@example.com', 'yuki@example.com'],
  },
  {
    author: 'maya@example.com',
    title: 'It was earwigs',
    content:
      'The basil mystery is solved. A flower pot stuffed with straw, upside down on a stick, and they move in and leave the basil alone.',
    published: true,
    created_at: '2026-02-01T08:43:00Z',
    voters: [
      'tomasz@example.com',
      'ines@example.com',
      'kofi@example.com',
      'noor@example.com',
      'lars@example.com',
      'yuki@example.com',
      'elena@example.com',
    ],
  },
  {
    author: 'tomasz@example.com',
    title: 'Trail map of the old railway line',
    content: 'Nine kilometres, flat, two bridges. The second one has a gap a pram does not cross.',
    published: true,
    created_at: '2026-02-01T20:39:00Z',
    voters: ['lars@example.com', 'yuki@example.com', 'elena@example.com'],
  },
  {
    author: 'kofi@example.com',
    title: 'SQL evening 4: joins',
    content: 'Bring a list of your books and a list of whom you lent them to. We find out who has what.',
    published: true,
    created_at: '2026-02-02T19:58:00Z',
    voters: ['ines@example.com', 'yuki@example.com'],
  },
  {
    author: 'ines@example.com',
    title: 'Looking for a flat, two rooms',
    content: 'From May. Quiet, no pets, one piano (digital, with headphones).',
    published: true,
    created_at: '2026-02-04T01:00:00Z',
    voters: [],
  },
  {
    author: 'lars@example.com',
    title: 'The heron is back at the pond',
    content: 'Third year. He stands where the goldfish used to be.',
    published: true,
    created_at: '2026-02-04T06:12:00Z',
    voters: [
      'maya@example.com',
      'tomasz@example.com',
      'ines@example.com',
      'noor@example.com',
      'yuki@example.com',
    ],
  },
  {
    author: 'yuki@example.com',
    title: 'Notes for a talk on film cameras',
    content: 'Outline: light meter, patience, cost of a frame. Not finished.',
    published: false,
    created_at: '2026-02-06T05:53:00Z',
    voters: [],
  },
  {
    author: 'maya@example.com',
    title: 'Seed swap, 14 March, community garden',
    content:
      'Bring what you have too much of, in paper, with the year on it. I bring seventeen kinds of tomato.',
    published: true,
    created_at: '2026-02-06T17:00:00Z',
    voters: [
      'tomasz@example.com',
      'ines@example.com',
      'kofi@example.com',
      'noor@example.com',
      'yuki@example.com',
      'elena@example.com',
      'lars@example.com',
    ],
  },
]

/**
 * Hashes that other systems made, each with its password. The tests do not need these systems.
 *
 * Debian 12: PHP 8.2, python3-passlib 1.7.4, python3-django 3.2, ruby-bcrypt 3.1.18, apache2-utils 2.4.
 */
export const PASSWORD = 'garden gnome 7 é'
export const LONG_PASSWORD = 'x'.repeat(80)

export const VECTORS = {
  /** `password_hash($password, PASSWORD_BCRYPT, ['cost' => 12])`, which is what Laravel's `Hash::make` calls. */
  php: ['$2y$12$PYg0FXOPwpUe7wRQC/w2KOmim1sibORbJDgVngZ5OmLP68sKGgaLK', PASSWORD],
  /** `htpasswd -nbBC 10 u <password>`. */
  htpasswd: ['$2y$10$85qAlrkC5MRyoYxDQJEu7./maDKJI8dI7XHRimtdn4g2Cj57QrJpi', PASSWORD],
  /** `passlib.hash.bcrypt_sha256.using(rounds=10, version=1).hash(password)`. */
  passlibV1: ['$bcrypt-sha256$2b,10$Pf4mK8q1UifUEVR3PEK5p.$mHMOxy/7PIH3ASl9.1IzF4hIka/64X6', PASSWORD],
  /** The same, with `ident='2a'`. */
  passlibV1Long: [
    '$bcrypt-sha256$2a,10$4uv7LmDYXr98pdrSuv0EFu$NDFhc4lUdEuvkPXAByYBbz4nbkDMgt.',
    LONG_PASSWORD,
  ],
  /** `passlib.hash.bcrypt_sha256.using(rounds=10, version=2).hash(password)`. */
  passlibV2: [
    '$bcrypt-sha256$v=2,t=2b,r=10$o/si7Ssrjio1e8CH0iq4tu$hw1tkC88VbCmRuRFad8knBaD8Ob/VKK',
    PASSWORD,
  ],
  /** `passlib.hash.ldap_bcrypt.using(rounds=10).hash(password)`. */
  ldap: ['{CRYPT}$2b$10$NgU49wE236D6DnNvRD6oZukwB0NxHVL6p6.qAS9QQS9pWqED5Jj9S', PASSWORD],
  /** `django.contrib.auth.hashers.make_password(password, hasher='bcrypt')`. */
  djangoBcrypt: ['bcrypt$$2b$12$rv4vgokeO8dXNv7YwURzq.bvvDsLR/nXNlISZ5riOy73oug89t5JC', PASSWORD],
  /** The same, with `hasher='bcrypt_sha256'`. */
  djangoBcryptSha256: [
    'bcrypt_sha256$$2b$12$jd3TQx3ATY1o4S5BJJc/ouGZNhY.VGIIGw0YeR0sSHwjWSr5IaHLG',
    PASSWORD,
  ],
  /** From the Javadoc of Spring Security's `User.withDefaultPasswordEncoder`. */
  spring: ['{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG', 'password'],
  /**
   * `'$wp' . password_hash(base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true)), PASSWORD_BCRYPT)` in PHP,
   * which is what `wp_hash_password` of WordPress 6.8 computes.
   */
  wordpress: ['$wp$2y$10$Gze2LVpzwP9k3zzfpxje0.58JHUJ854Aw4Gg3gdv1gtM4Hb8sR4fW', PASSWORD],
} as const satisfies Record<string, readonly [hash: string, password: string]>

export const ARGON2_VECTORS = {
  /** PHP's `password_hash($password, PASSWORD_ARGON2ID)`. */
  php: [
    '$argon2id$v=19$m=65536,t=4,p=1$enFGeHZnQWZMVDNJT2tOSg$UNl7bBDWt2lLNp8u7wK2Z/r4bzECDkQ7QRgYcf8HXfM',
    PASSWORD,
  ],
  /** `passlib.hash.argon2.using(time_cost=2, memory_cost=8192).hash(password)`. */
  passlib: ['$argon2id$v=19$m=8192,t=2,p=8$ydnbey9FaG2tdW6NMWbsXQ$qTRGWUPdDej5S9DPk8GKHQ', PASSWORD],
  /** `make_password(password, hasher='argon2')`. */
  django: [
    'argon2$argon2id$v=19$m=102400,t=2,p=8$RUZJclY5ejR2ZWxTelJwMUpLNDhTVg$tzkG7jffvc15c7lqnIYDKw',
    PASSWORD,
  ],
} as const satisfies Record<string, readonly [hash: string, password: string]>

/** Sound hashes of schemes that this package does not compute; most are of `PASSWORD`. */
export const OTHER_SCHEMES = {
  /** `make_password(password)`, Django's default. */
  djangoPbkdf2: 'pbkdf2_sha256$260000$9a37lhexHP5fhxlUeoA20e$vsBRaOkz5r7aqyYXf20Aj+rnKVhanyAtaDE3JrldNRQ=',
  /** `passlib.hash.pbkdf2_sha256.hash(password)`. */
  passlibPbkdf2: '$pbkdf2-sha256$29000$O.fce08ppfS.N.Z8770XQg$o/8Q4E6qe.GBWqPibMzL5gBI14lGKEPMQaB5v6mtltc',
  /** `passlib.hash.scrypt.using(rounds=10).hash(password)`. */
  passlibScrypt: '$scrypt$ln=10,r=8,p=1$lLIWAgDg/D+HcE4JIcS41w$sGjfmLhWxxRFbW1ao6ZF5fJ5b30J9agwq+Bi652C2y8',
  /** `passlib.hash.ldap_salted_sha1.hash(password)`. */
  ldapSha1: '{SSHA}Z3seCIbkYdX66oVhUpuM1EkkioVGCIFw',
  /** PHP's `password_hash($password, PASSWORD_ARGON2I, ['memory_cost' => 4096])`. */
  argon2i: '$argon2i$v=19$m=4096,t=4,p=1$aTF1TWtiWUd6MHhFU09yRw$s2uZ5El1SNuEPTw5LFZRq63HB4DGm4a8mrPXmgcr184',
  /** `passlib.hash.phpass.using(rounds=13).hash(password)`, the form of WordPress before 6.8. */
  phpass: '$P$BtvwF0Y8ridShLnP5oXSwOL5rZ1HMb0',
  /** `passlib.hash.sha512_crypt.using(rounds=5000).hash(password)`. */
  sha512crypt:
    '$6$aGL5CTP7O8KA4kb1$MCVQ.2n.eMzHkCqdWn2Y8eVTL3LnyncYEen.JggneoUX9DNhhHsdokCW5GWD33Dvr.K6fZrwDogbmNYK092Tr.',
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
  bcrypt2x: '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
} as const

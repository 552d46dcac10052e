# Fixed script, run on several hosts side by side; what to do comes as lines on standard input, never as source:
#
#   seconds N                        when to give up
#   self ADDRESS                     the host's own: all sockets are bound to it
#   serve KIND NUMBER PEER...        be there for these peers, until each has come by
#   reach KIND NUMBER PEER...        try to get through to each
#   holder INTERFACE ADDRESS         who answers for this address on that network
#
# KIND is tcp or udp with a port, or ip with the number of a protocol. Ends as soon as all is done; then prints
#
#   unreached KIND NUMBER PEER WHY   for each that was not reached, or whose answer was lost
#   heard KIND NUMBER PEER           for each whose datagram came by
#   holder MAC                       for each that answered
#
# A TCP port in use is served already. Only modules of perl-base; nothing is written, nothing stays.
use strict;
use warnings;
use Errno qw(EADDRINUSE ECONNRESET EINPROGRESS);
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT inet_pton inet_ntop);

my $TICK      = 0.1;
my $AT_ONCE   = 800;
my $ARP_WAITS = 0.5;

# Linux's own numbers, which Socket does not have.
my ( $PACKET, $ARP, $SIOCGIFINDEX, $SIOCGIFHWADDR ) = ( 17, 0x0806, 0x8933, 0x8927 );

# Whoever else listens drops what begins like this: VRRP of router 0, VXLAN without a network, IPIP without IPv4.
my $HELLO = "\x31" . "\0" x 7 . 'mcpk ';

my ( $self, $seconds ) = ( '', 5 );
my ( @serve, @reach, @holders );
while ( my $line = <STDIN> ) {
    my ( $word, @rest ) = split ' ', $line;
    if    ( $word eq 'seconds' ) { $seconds = $rest[0] }
    elsif ( $word eq 'self' )    { $self    = $rest[0] }
    elsif ( $word eq 'holder' )  { push @holders, { interface => $rest[0], address => $rest[1], seen => {} } }
    else {
        my ( $kind, $number, @peers ) = @rest;
        my %open = map { $_ => { why => $kind eq 'tcp' ? 'timed out' : 'no answer', next => 0 } } @peers;
        push @{ $word eq 'serve' ? \@serve : \@reach }, { kind => $kind, number => $number, open => \%open };
    }
}

# Clocks may jump, and Time::HiRes is not part of perl-base.
sub now {
    open my $file, '<', '/proc/uptime' or die "/proc/uptime: $!\n";
    return ( split ' ', <$file> )[0];
}

sub place { my ( $address, $port ) = @_; return pack_sockaddr_in( $port, inet_pton( AF_INET, $address ) ) }
sub peer_of { my ( $port, $address ) = unpack_sockaddr_in(shift); return ( inet_ntop( AF_INET, $address ), $port ) }

sub opened {
    my ( $type, $protocol, $port ) = @_;
    socket( my $socket, AF_INET, $type, $protocol ) or return;
    fcntl( $socket, F_SETFL, O_NONBLOCK );
    setsockopt( $socket, SOL_SOCKET, SO_REUSEADDR, 1 ) if $type == SOCK_STREAM;
    # The one that calls hangs up with a reset: on ports that services want next no TIME_WAIT stays.
    setsockopt( $socket, SOL_SOCKET, SO_LINGER, pack( 'ii', 1, 0 ) ) if $type == SOCK_STREAM && !$port;
    bind( $socket, place( $self, $port ) ) or return;
    return $socket;
}

# The words of a datagram of ours, and the address and port that it came from.
sub heard {
    my ( $socket, $to, $udp ) = @_;
    my $from = recv( $socket, my $text, 2048, 0 );
    return unless $from;
    my ( $peer, $port ) = peer_of($from);
    if ($to) {
        substr( $text, 0, 4 * ( ord($text) & 15 ), '' );
        if ($udp) {
            return if length $text < 8;
            ( $port, my $at ) = unpack 'nn', substr( $text, 0, 8, '' );
            return if $at != $udp;
        }
    }
    return if index( $text, $HELLO ) != 0;
    return ( substr( $text, length $HELLO ), $peer, $port );
}

sub listen_for {
    my ($lane) = @_;
    my ( $kind, $number, $open ) = @$lane{qw(kind number open)};
    if ( $kind eq 'tcp' ) {
        my $socket = opened( SOCK_STREAM, 0, $number );
        if ( $socket and listen( $socket, 128 ) ) {
            $lane->{socket} = $socket;
            return sub {
                while ( my $from = accept( my $caller, $socket ) ) { delete $open->{ ( peer_of($from) )[0] } }
            };
        }
        die "port $number: $!\n" if $! != EADDRINUSE;
        %$open = ();
        return;
    }
    my $socket = opened( $kind eq 'udp' ? ( SOCK_DGRAM, 0, $number ) : ( SOCK_RAW, $number, 0 ) );
    # The kernel's own VXLAN has the port: a raw socket hears what its firewall let through to it.
    my $raw = $kind eq 'udp' && !$socket && $! == EADDRINUSE ? $number : 0;
    $socket = opened( SOCK_RAW, 17, 0 ) if $raw;
    die "$kind $number: $!\n" unless $socket;
    $lane->{socket} = $socket;
    return sub {
        my ( $words, $peer, $port ) = heard( $socket, $raw || $kind eq 'ip', $raw );
        return if !defined $words || $words ne 'ask';
        delete $open->{$peer};
        $lane->{heard}{$peer} = 1;
        my $answer = $HELLO . 'yes';
        $answer = pack( 'nnnn', $number, $port, 8 + length $answer, 0 ) . $answer if $raw;
        # Twice: this side may be gone when the peer asks again.
        send( $socket, $answer, 0, place( $peer, $raw || $kind eq 'ip' ? 0 : $port ) ) for 1, 2;
    };
}

my ( %readable, %writable );

sub connect_to {
    my ( $lane, $peer ) = @_;
    my $try    = $lane->{open}{$peer};
    my $socket = opened( SOCK_STREAM, 0, 0 ) or die "tcp: $!\n";
    my $ended  = sub {
        my ($error) = @_;
        # Reset is what was there before: who does not listen refuses.
        if ( $error && $error != ECONNRESET ) { local $! = $error; @$try{qw(why next socket)} = ( lc "$!", now() + $TICK, undef ) }
        else { delete $lane->{open}{$peer} }
    };
    return $ended->(0) if connect( $socket, place( $peer, $lane->{number} ) );
    return $ended->( $! + 0 ) if $! != EINPROGRESS;
    $try->{socket} = $socket;
    $writable{ fileno $socket } = sub {
        delete $writable{ fileno $socket };
        $ended->( unpack 'i', getsockopt( $socket, SOL_SOCKET, SO_ERROR ) );
    };
}

sub ask {
    my ( $lane, $peer ) = @_;
    my ( $kind, $number, $open ) = @$lane{qw(kind number open)};
    if ( !$lane->{socket} ) {
        my $socket = opened( $kind eq 'udp' ? ( SOCK_DGRAM, 0, 0 ) : ( SOCK_RAW, $number, 0 ) )
          or die "$kind $number: $!\n";
        $lane->{socket} = $socket;
        $readable{ fileno $socket } = sub {
            my ( $words, $from ) = heard( $socket, $kind eq 'ip', 0 );
            delete $open->{$from} if defined $words && $words eq 'yes';
        };
    }
    my $sent = send( $lane->{socket}, $HELLO . 'ask', 0, place( $peer, $kind eq 'udp' ? $number : 0 ) );
    @{ $open->{$peer} }{qw(why next)} = ( $sent ? 'no answer' : lc "$!", now() + $TICK );
}

# As a host that looks whether an address is free before it takes it (RFC 5227): no neighbour learns anything from it.
sub look_for {
    my ($holder) = @_;
    my ( $interface, $address ) = @$holder{qw(interface address)};
    my $vip = inet_pton( AF_INET, $address );
    socket( my $socket, $PACKET, SOCK_DGRAM, unpack 'S', pack 'n', $ARP ) or die "ARP: $!\n";
    fcntl( $socket, F_SETFL, O_NONBLOCK );
    # Not from /sys, which in a container may be another network's.
    my ( $index, $own ) = map {
        my $request = pack 'a16x24', $interface;
        ioctl( $socket, $_->[0], $request ) or die "$interface: $!\n";
        unpack $_->[1], substr $request, 16
    } [ $SIOCGIFINDEX, 'i' ], [ $SIOCGIFHWADDR, 'x2a6' ];
    my $ll = pack 'SniSCCa8', $PACKET, $ARP, $index, 0, 0, 6, "\xff" x 6;
    bind( $socket, $ll ) or die "ARP on $interface: $!\n";
    $readable{ fileno $socket } = sub {
        defined recv( $socket, my $text, 128, 0 ) or return;
        return if length $text < 28;
        my ( undef, $sender, $at ) = unpack 'a8 H12 a4', $text;
        $holder->{seen}{ join ':', $sender =~ /../g } = 1 if $at eq $vip;
    };
    return sub {
        send( $socket, pack( 'nnCCna6a4a6a4', 1, 0x0800, 6, 4, 1, $own, '', '', $vip ), 0, $ll );
    };
}

my $start = now();
for my $lane (@serve) {
    my $handler = listen_for($lane) or next;
    $readable{ fileno $lane->{socket} } = $handler;
}
my @probes   = map { look_for($_) } @holders;
my $probe_at = $start;

while ( ( my $now = now() ) < $start + $seconds ) {
    my $looking = @probes && $now < $start + $ARP_WAITS;
    last unless $looking || grep { %{ $_->{open} } } @serve, @reach;
    if ( $looking && $now >= $probe_at ) { $probe_at = $now + $TICK; $_->() for @probes }
    for my $lane (@reach) {
        for my $peer ( sort keys %{ $lane->{open} } ) {
            my $try = $lane->{open}{$peer};
            next if $try->{socket} || $try->{next} > $now;
            if ( $lane->{kind} ne 'tcp' ) { ask( $lane, $peer ) }
            elsif ( keys %writable < $AT_ONCE ) { connect_to( $lane, $peer ) }
        }
    }
    my ( $read, $write ) = ( '', '' );
    vec( $read,  $_, 1 ) = 1 for keys %readable;
    vec( $write, $_, 1 ) = 1 for keys %writable;
    next if select( $read, $write, undef, $TICK ) <= 0;
    vec( $read,  $_, 1 ) && $readable{$_}->() for keys %readable;
    vec( $write, $_, 1 ) && $writable{$_}->() for keys %writable;
}

for my $lane (@reach) {
    print "unreached $lane->{kind} $lane->{number} $_ $lane->{open}{$_}{why}\n" for sort keys %{ $lane->{open} };
}
for my $lane (@serve) {
    print "heard $lane->{kind} $lane->{number} $_\n" for sort keys %{ $lane->{heard} };
}
print "holder $_\n" for map { sort keys %{ $_->{seen} } } @holders;
